package desync

import "fender/internal/proving/alb/message"

// similarity is how near a header's name is to an important one.
type similarity uint8

const (
	distant     similarity = iota
	sameLetters            // they differ in bytes only that are neither letters nor digits
	identical              // but for case
)

// similar compares name with important, which is in lower case. Two letters outside of ASCII that
// become s and i in upper case count as these.
func similar(important string, name []byte) similarity {
	if len(name) < len(important) {
		return distant
	}
	at := nextAlphanumeric(name, 0)
	same := at == 0 && len(name) == len(important)
	for i := 0; i < len(important); i++ {
		if at == len(name) {
			return distant
		}
		c, delimiter := important[i], important[i] == '-'
		match, next := sameByte(c, name, at)
		if !match {
			if !delimiter {
				break
			}
			same = false
		}
		if at = next; delimiter {
			at = nextAlphanumeric(name, at)
		} else {
			for at < len(name) && name[at] <= ' ' {
				at++
			}
		}
	}
	switch {
	case at == len(name) && same:
		return identical
	case nextAlphanumeric(name, at) == len(name):
		return sameLetters
	}
	return distant
}

func sameByte(c byte, name []byte, at int) (bool, int) {
	b := name[at]
	if b >= 'A' && b <= 'Z' {
		b |= 0x20
	}
	if b == c {
		return true, at + 1
	}
	if at+1 < len(name) && (c == 's' && b == 0xc5 && name[at+1] == 0xbf || c == 'i' && b == 0xc4 && name[at+1] == 0xb1) {
		return true, at + 2
	}
	return false, at + 1
}

func nextAlphanumeric(b []byte, at int) int {
	for at < len(b) {
		c := b[at]
		if c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' {
			break
		}
		at++
	}
	return at
}

// bad are the bytes that no header may have.
func bad(c byte) bool { return c == '\r' || c == '\n' || c == 0 }

func nameTier(name []byte) Class {
	if len(name) == 0 || message.IsToken(name) {
		return Compliant
	}
	for _, c := range name {
		if bad(c) {
			return Severe
		}
	}
	return Acceptable
}

func valueTier(value []byte) Class {
	tier := Compliant
	for _, c := range value {
		switch {
		case c >= ' ' && c != 0x7f || c == '\t':
		case bad(c):
			return Severe
		default:
			tier = Acceptable
		}
	}
	return tier
}

func tierReason(c Class) string {
	if c == Severe {
		return "BadHeader"
	}
	return "NonCompliantHeader"
}

// number reads a decimal number of 64 bits. An empty one is 0, as in the library.
func number(b []byte) (uint64, bool) {
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' || n > (1<<64-1-uint64(c-'0'))/10 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}
