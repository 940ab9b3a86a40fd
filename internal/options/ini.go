package options

import (
	"bytes"
	"fmt"
)

// iniLine is one key of an ini file, or the header of a section (no key, no value).
type iniLine struct {
	section, key, value string
	number              int
}

// lineError is a line that stops the reading of a file.
type lineError struct {
	line   int
	reason string
}

func (e *lineError) Error() string { return e.reason }

// parseIni reads a file as uWSGI's core/ini.c does: lines are trimmed; ; and # begin a comment only at the start of a
// line; key = value is cut at the first equals sign; a key alone has the value ""; there are no quotes, no escapes
// and no lines that go on. A byte order mark and CRLF are taken off.
func parseIni(data []byte) ([]iniLine, error) {
	if len(data) > largestFile {
		return nil, fmt.Errorf("it is larger than %d MiB", largestFile>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var lines []iniLine
	section := ""
	number := 0
	for raw := range bytes.Lines(data) {
		number++
		if bytes.IndexByte(raw, 0) >= 0 {
			return nil, &lineError{number, "it has a NUL byte, so it is not text (or UTF-16)"}
		}
		if len(raw) > longestLine {
			return nil, &lineError{number, "the line is longer than 64 KiB"}
		}
		text := bytes.Trim(raw, " \t\r\n")
		if len(text) == 0 || text[0] == ';' || text[0] == '#' {
			continue
		}
		if text[0] == '[' {
			end := bytes.IndexByte(text, ']')
			if end < 0 {
				return nil, &lineError{number, "the section " + shown(string(text)) + " has no closing bracket"}
			}
			section = string(text[1:end])
			lines = append(lines, iniLine{section: section, number: number})
			continue
		}
		key, value, _ := bytes.Cut(text, []byte("="))
		key = bytes.TrimRight(key, " \t\r")
		if len(key) == 0 {
			return nil, &lineError{number, shown(string(text)) + " has no key before the equals sign"}
		}
		lines = append(lines, iniLine{section, string(key), string(bytes.TrimLeft(value, " \t\r")), number})
	}
	return lines, nil
}
