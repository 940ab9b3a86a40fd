package wire

import (
	"strconv"
	"unsafe"
)

// Environ builds a request's CGI environ as the marshal data of one dict. The zero Environ is not
// usable: NewEnviron begins one.
//
// A name that is set twice stands in the data twice; Python's dict then has the second value.
// Names and values together must stay below 2 GiB, which the front's header limits see to.
type Environ struct{ buf []byte }

// NewEnviron begins an environ that is appended to buf. Nothing is allocated while buf has room.
func NewEnviron(buf []byte) Environ { return Environ{append(buf, codeDict)} }

// Set adds a variable. The bytes of value become its code points, as PEP 3333 wants (latin-1).
func (e *Environ) Set(variable, value string) {
	if key, ok := interned[variable]; ok {
		e.buf = append(e.buf, key...)
	} else {
		e.buf = appendLatin1(e.buf, variable)
	}
	e.buf = appendLatin1(e.buf, value)
}

// Name is a variable's name, ready to be set.
type Name struct{ key string }

// NameOf makes a Name, once for all requests.
func NameOf(variable string) Name {
	if key, ok := interned[variable]; ok {
		return Name{key}
	}
	return Name{string(appendLatin1(nil, variable))}
}

// SetNamed adds a variable without looking its name up.
func (e *Environ) SetNamed(name Name, value string) {
	e.buf = append(e.buf, name.key...)
	e.buf = appendLatin1(e.buf, value)
}

// SetNumber adds a variable whose value is a number.
func (e *Environ) SetNumber(name Name, n int64) {
	var space [20]byte // the longest
	digits := strconv.AppendInt(space[:0], n, 10)
	e.SetNamed(name, unsafe.String(unsafe.SliceData(digits), len(digits)))
}

// SetHeader adds a header under its environ name (HeaderVar), with one look at the table and
// without making the name first.
func (e *Environ) SetHeader(header, value string) {
	if n, ok := headers[header]; ok {
		e.buf = append(e.buf, n.key...)
	} else {
		e.buf = appendHeaderKey(e.buf, header)
	}
	e.buf = appendLatin1(e.buf, value)
}

// Bytes ends the environ and returns it, buf's content before it included. The Environ is used up.
func (e *Environ) Bytes() []byte {
	e.buf = append(e.buf, codeNull)
	return e.buf
}

// appendHeaderKey appends the environ name of a header that is not in the table.
func appendHeaderKey(dst []byte, header string) []byte {
	size, high := len(header), highBytes(header)
	if !bare(header) {
		size += len(headerPrefix)
	}
	if high == 0 && size <= maxShort {
		return appendVariable(append(dst, codeShort, byte(size)), header)
	}
	dst = appendCount(dst, codeText, size+high)
	if !bare(header) {
		dst = append(dst, headerPrefix...)
	}
	for i := 0; i < len(header); i++ {
		dst = appendLatin1Byte(dst, variableByte(header[i]))
	}
	return dst
}
