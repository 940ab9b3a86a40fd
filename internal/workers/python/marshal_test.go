package python

import (
	"encoding/binary"
	"fmt"
)

// The few marshal types that the tests need. The real codec is the wire's; this one is simple, so
// that the two can disagree.

type tuple []any

func marshalValue(out []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(out, 'N')
	case bool:
		if v {
			return append(out, 'T')
		}
		return append(out, 'F')
	case int:
		return binary.LittleEndian.AppendUint32(append(out, 'i'), uint32(int32(v)))
	case string:
		out = binary.LittleEndian.AppendUint32(append(out, 'u'), uint32(len(v)))
		return append(out, v...)
	case []byte:
		out = binary.LittleEndian.AppendUint32(append(out, 's'), uint32(len(v)))
		return append(out, v...)
	case tuple:
		out = binary.LittleEndian.AppendUint32(append(out, '('), uint32(len(v)))
		for _, item := range v {
			out = marshalValue(out, item)
		}
		return out
	case map[string]string:
		out = append(out, '{')
		for name, item := range v {
			out = marshalValue(marshalValue(out, name), item)
		}
		return append(out, '0')
	}
	panic(fmt.Sprintf("no marshal form for %T", value))
}

// unmarshalValue returns the value at the beginning of data, and what follows it.
func unmarshalValue(data []byte) (any, []byte, error) {
	if len(data) == 0 {
		return nil, nil, fmt.Errorf("marshal data ends early")
	}
	kind, data := data[0], data[1:]
	switch kind {
	case 'N':
		return nil, data, nil
	case 'T':
		return true, data, nil
	case 'F':
		return false, data, nil
	case '{':
		result := map[string]any{}
		for {
			if len(data) > 0 && data[0] == '0' {
				return result, data[1:], nil
			}
			key, rest, err := unmarshalValue(data)
			if err != nil {
				return nil, nil, err
			}
			value, rest, err := unmarshalValue(rest)
			if err != nil {
				return nil, nil, err
			}
			result[fmt.Sprint(key)] = value
			data = rest
		}
	case 'z':
		if len(data) < 1 || len(data) < 1+int(data[0]) {
			return nil, nil, fmt.Errorf("short string ends early")
		}
		n := int(data[0])
		return string(data[1 : 1+n]), data[1+n:], nil
	case 'i', 'u', 's', '(', '[':
		if len(data) < 4 {
			return nil, nil, fmt.Errorf("marshal data ends early")
		}
		n := int(int32(binary.LittleEndian.Uint32(data)))
		data = data[4:]
		switch kind {
		case 'i':
			return n, data, nil
		case 'u', 's':
			if n < 0 || len(data) < n {
				return nil, nil, fmt.Errorf("string ends early")
			}
			if kind == 's' {
				return data[:n:n], data[n:], nil
			}
			return string(data[:n]), data[n:], nil
		}
		items := tuple{}
		for range n {
			item, rest, err := unmarshalValue(data)
			if err != nil {
				return nil, nil, err
			}
			items = append(items, item)
			data = rest
		}
		return items, data, nil
	}
	return nil, nil, fmt.Errorf("type %q is not on the wire", kind)
}
