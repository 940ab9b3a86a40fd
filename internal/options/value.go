package options

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// longest bounds every duration: beyond it a value is surely a mistake, and nothing can overflow.
const longest = 10 * 366 * 24 * time.Hour

// The readers of values return the text behind the value that they did not read: uWSGI reads numbers with
// atoi, so "2 ; two of them" is 2. comment tells an inline comment from a mistake.

// comment says whether the text behind a value is nothing, or an inline comment, which ini files do not have
// but people write.
func comment(rest string) bool {
	rest = strings.TrimLeft(rest, " \t")
	return rest == "" || rest[0] == ';' || rest[0] == '#'
}

// parseBool is uwsgi_opt_true: only false, off, no and 0 are false, and the whole text is compared.
// known is false for a text that is true by accident, such as "false ; comment".
func parseBool(text string) (value, known bool) {
	switch strings.ToLower(text) {
	case "false", "off", "no", "0":
		return false, true
	case "", "true", "on", "yes", "1":
		return true, true
	}
	word, rest := text, ""
	if i := strings.IndexAny(text, " \t;#"); i >= 0 {
		word, rest = text[:i], text[i:]
	}
	switch strings.ToLower(word) {
	case "true", "on", "yes", "1":
		return true, comment(rest)
	}
	return true, false
}

// parseInt is atoi with its traps closed: no digits, a sign that is lost, and overflow are errors.
func parseInt(text string) (value int64, rest string, err error) {
	text = strings.TrimLeft(text, " \t")
	if strings.HasPrefix(text, "-") && len(text) > 1 && isDigit(text[1]) {
		return 0, "", errors.New("must not be negative")
	}
	digits, rest := cutDigits(strings.TrimPrefix(text, "+"))
	if digits == "" {
		return 0, "", errors.New("is not a number")
	}
	value, err = strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, "", errors.New("is too large")
	}
	return value, rest, nil
}

// parseSize reads bytes: 4096, 64k, 10m, 2g, 1t, with b or iB behind if one likes. unit is what a bare number counts.
func parseSize(text string, unit int64) (value int64, rest string, err error) {
	number, rest, err := parseInt(text)
	if err != nil {
		return 0, "", err
	}
	letters, behind := cutLetters(rest)
	if factor := sizeUnit(strings.ToLower(letters)); factor > 0 {
		unit, rest = factor, behind
	}
	if number > math.MaxInt64/unit {
		return 0, "", errors.New("is too large")
	}
	return number * unit, rest, nil
}

func sizeUnit(letters string) int64 {
	if letters == "b" {
		return 1
	}
	if letters == "" {
		return 0
	}
	if tail := letters[1:]; tail != "" && tail != "b" && tail != "ib" {
		return 0
	}
	return map[byte]int64{'k': 1 << 10, 'm': 1 << 20, 'g': 1 << 30, 't': 1 << 40}[letters[0]]
}

// parseDuration reads 60, 0.5, 500ms, 2s, 1m, 1h, 2d, 1m30s. unit is what a bare number counts.
func parseDuration(text string, unit time.Duration) (value time.Duration, rest string, err error) {
	rest = strings.TrimPrefix(strings.TrimLeft(text, " \t"), "+")
	if strings.HasPrefix(rest, "-") {
		return 0, "", errors.New("must not be negative")
	}
	for parts := 0; ; parts++ {
		whole, after := cutDigits(rest)
		if whole == "" && parts > 0 {
			return value, rest, nil
		}
		if whole == "" {
			return 0, "", errors.New("is not a time")
		}
		fraction := ""
		if strings.HasPrefix(after, ".") {
			if f, behind := cutDigits(after[1:]); f != "" {
				fraction, after = f, behind
			}
		}
		letters, behind := cutLetters(after)
		factor := durationUnit(letters)
		switch {
		case factor > 0:
			after = behind
		case parts > 0:
			return value, rest, nil
		default:
			factor = unit
		}
		piece, ok := multiply(whole, fraction, factor)
		if !ok || value+piece > longest {
			return 0, "", errors.New("is too long")
		}
		value, rest = value+piece, after
		if factor == unit && durationUnit(letters) == 0 {
			return value, rest, nil // a bare number ends the value
		}
	}
}

func durationUnit(letters string) time.Duration {
	switch letters {
	case "ms":
		return time.Millisecond
	case "s":
		return time.Second
	case "m":
		return time.Minute
	case "h":
		return time.Hour
	case "d":
		return 24 * time.Hour
	}
	return 0
}

// multiply is whole.fraction times unit, exact, or false when it is longer than the longest time.
func multiply(whole, fraction string, unit time.Duration) (time.Duration, bool) {
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > int64(longest/unit) {
		return 0, false
	}
	total := time.Duration(n) * unit
	for _, digit := range fraction {
		unit /= 10
		total += time.Duration(digit-'0') * unit
	}
	return total, total <= longest
}

// parseOctal reads a file mode of one to four octal digits.
func parseOctal(text string) (uint32, error) {
	digits, rest := cutDigits(strings.TrimLeft(text, " \t"))
	mode, err := strconv.ParseUint(digits, 8, 32)
	if err != nil || len(digits) > 4 || mode > 0o777 || !comment(rest) {
		return 0, errors.New("is not a file mode in octal, such as 022")
	}
	return uint32(mode), nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func cutDigits(text string) (digits, rest string) {
	i := 0
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return text[:i], text[i:]
}

func cutLetters(text string) (letters, rest string) {
	i := 0
	for i < len(text) && (text[i] >= 'a' && text[i] <= 'z' || text[i] >= 'A' && text[i] <= 'Z') {
		i++
	}
	return text[:i], text[i:]
}

// formatDuration writes a time so that parseDuration reads it again: 75s, 500ms, 1.5s.
func formatDuration(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Second && d%time.Millisecond == 0:
		return fmt.Sprintf("%dms", d/time.Millisecond)
	}
	return strings.TrimRight(strconv.FormatFloat(d.Seconds(), 'f', 9, 64), "0") + "s"
}

// formatSize writes bytes with the largest unit that divides them: 256m.
func formatSize(n int64) string {
	for _, unit := range []struct {
		size   int64
		letter string
	}{{1 << 40, "t"}, {1 << 30, "g"}, {1 << 20, "m"}, {1 << 10, "k"}} {
		if n != 0 && n%unit.size == 0 {
			return strconv.FormatInt(n/unit.size, 10) + unit.letter
		}
	}
	return strconv.FormatInt(n, 10)
}
