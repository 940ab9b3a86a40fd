package rule

import "strings"

// normalize is the path that patterns are compared with (RFC 3986, 6.2.2): escaped letters that need no
// escape are written out, other escapes have capital letters, and the steps . and .. are taken. AWS
// says that paths are normalised, not how.
func normalize(path string) string {
	if !strings.Contains(path, "%") && !strings.Contains(path, "/.") {
		return path
	}
	return walk(unescape(path))
}

func unescape(path string) string {
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		if path[i] != '%' || i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2]) {
			out = append(out, path[i])
			continue
		}
		c := hex(path[i+1])<<4 | hex(path[i+2])
		if isLetter(c) {
			out = append(out, c)
		} else {
			out = append(out, strings.ToUpper(path[i:i+3])...)
		}
		i += 2
	}
	return string(out)
}

// isLetter says what never needs an escape.
func isLetter(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || strings.IndexByte("-._~", c) >= 0
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func hex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// walk takes the steps . and .. of a path.
func walk(path string) string {
	if !strings.HasPrefix(path, "/") {
		return path
	}
	steps := strings.Split(path[1:], "/")
	kept := steps[:0]
	for i, s := range steps {
		last := i == len(steps)-1
		switch s {
		case ".", "..":
			if s == ".." && len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
			if last {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, s)
		}
	}
	return "/" + strings.Join(kept, "/")
}
