package http1

// Classes of bytes, RFC 9110 section 5.6.2 and RFC 9112 section 3.
const (
	isToken  = 1 << iota // tchar
	isField              // may stand in a field value: HTAB, SP, VCHAR, obs-text
	isTarget             // may stand in a request target: VCHAR and bytes above 0x7F, as uWSGI takes them
	isHost               // may stand in Host: reg-name, IP literal, port
)

// classes maps each byte to its classes.
var classes = func() (t [256]byte) {
	for c := '0'; c <= '9'; c++ {
		t[c] |= isToken | isHost
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] |= isToken | isHost
		t[c-'a'+'A'] |= isToken | isHost
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] |= isToken
	}
	// unreserved, sub-delims but for the comma (which would be two hosts), '%', and ':' '[' ']'.
	for _, c := range "-._~!$&'()*+;=%:[]" {
		t[c] |= isHost
	}
	t['\t'] |= isField
	t[' '] |= isField
	for c := 0x21; c < 0x100; c++ {
		if c != 0x7f {
			t[c] |= isField | isTarget
		}
	}
	return t
}()

func all(b []byte, class byte) bool {
	for _, c := range b {
		if classes[c]&class == 0 {
			return false
		}
	}
	return true
}

// lower is the lower case of an ASCII letter, and any other byte itself.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// EqualFold reports whether b is name, in any case of ASCII letters. name is in lower case.
func EqualFold[B []byte | string](b B, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i := 0; i < len(b); i++ {
		if lower(b[i]) != name[i] {
			return false
		}
	}
	return true
}

// unhex is the value of a hexadecimal digit, or 0xFF.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}
