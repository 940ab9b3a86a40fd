package accesslog

import (
	"fmt"
	"strings"
)

// split cuts a line at its spaces, but for those within quotes, and takes quotes and escapes away.
func split(line string) ([]string, error) {
	var all []string
	for {
		line = strings.TrimLeft(line, " ")
		if line == "" {
			return all, nil
		}
		if len(all) == mostFields {
			return nil, fmt.Errorf("the line has more than %d fields", mostFields)
		}
		if line[0] != '"' {
			field, rest, _ := strings.Cut(line, " ")
			all, line = append(all, unescape(field)), rest
			continue
		}
		end := closing(line)
		if end < 0 {
			return nil, fmt.Errorf("the quote of field %d is not closed", len(all)+1)
		}
		if end+1 < len(line) && line[end+1] != ' ' {
			return nil, fmt.Errorf("field %d goes on behind its quote", len(all)+1)
		}
		all, line = append(all, unescape(line[1:end])), line[end+1:]
	}
}

// closing is where the quote of a field ends that begins with one.
func closing(line string) int {
	for i := 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// unescape reads \xHH, as load balancers write it, and \" and \\, as others do.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		rest := s[i:]
		switch {
		case len(rest) >= 4 && rest[0] == '\\' && rest[1] == 'x' && digit(rest[2]) >= 0 && digit(rest[3]) >= 0:
			out = append(out, byte(digit(rest[2])<<4|digit(rest[3])))
			i += 3
		case len(rest) >= 2 && rest[0] == '\\' && (rest[1] == '"' || rest[1] == '\\'):
			out = append(out, rest[1])
			i++
		default:
			out = append(out, s[i])
		}
	}
	return string(out)
}

// digit is the value of a hexadecimal digit, or -1.
func digit(c byte) int {
	if c >= 'A' && c <= 'F' {
		c += 'a' - 'A'
	}
	return strings.IndexByte("0123456789abcdef", c)
}
