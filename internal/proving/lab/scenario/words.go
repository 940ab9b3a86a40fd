package scenario

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// words are what is left of a line. A word in quotes is one word; commas are for the reader.
type words struct {
	rest []word
}

type word struct {
	text   string
	quoted bool
}

// split cuts a line into words.
func split(line string) (*words, error) {
	w := &words{}
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeft(line, " \t") {
		if line[0] == '"' {
			text, rest, ok := strings.Cut(line[1:], `"`)
			if !ok {
				return nil, fmt.Errorf("the quote is never closed")
			}
			w.rest = append(w.rest, word{text, true})
			line = strings.TrimPrefix(rest, ",")
			continue
		}
		end := strings.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		text := strings.TrimSuffix(line[:end], ",")
		if text != "" {
			w.rest = append(w.rest, word{text, false})
		}
		line = line[end:]
	}
	return w, nil
}

// next is the next word; what says what is missing when there is none.
func (w *words) next(what string) (string, error) {
	if len(w.rest) == 0 {
		return "", fmt.Errorf("%s is missing", what)
	}
	text := w.rest[0].text
	w.rest = w.rest[1:]
	return text, nil
}

func (w *words) quoted(what string) (string, error) {
	if len(w.rest) == 0 || !w.rest[0].quoted || w.rest[0].text == "" {
		return "", fmt.Errorf("%s is missing, in quotes", what)
	}
	return w.next(what)
}

// optional takes the words if they come next.
func (w *words) optional(texts ...string) bool {
	if len(w.rest) < len(texts) {
		return false
	}
	for i, text := range texts {
		if w.rest[i].quoted || w.rest[i].text != text {
			return false
		}
	}
	w.rest = w.rest[len(texts):]
	return true
}

func (w *words) oneOf(what string, all []string) (string, error) {
	text, err := w.next(what)
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.Join(all, ", "))
	}
	if !slices.Contains(all, text) {
		return "", fmt.Errorf("%q is not %s: there are %s", text, what, strings.Join(all, ", "))
	}
	return text, nil
}

func (w *words) count(what string, most int) (int, error) {
	text, err := w.next(what)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%q is not %s: it is between 1 and %d", text, what, most)
	}
	return n, nil
}

// longest is the bound of every time in a scenario.
const longest = 24 * time.Hour

// duration reads a time: 500ms, 2s, 1m, or a number of seconds.
func (w *words) duration() (time.Duration, error) {
	text, err := w.next("a time")
	if err != nil {
		return 0, err
	}
	return readDuration(text)
}

func readDuration(text string) (time.Duration, error) {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		if math.IsNaN(n) || n <= 0 || n > longest.Seconds() {
			return 0, fmt.Errorf("%q is no time between 1ms and 24h", text)
		}
		text = strconv.FormatFloat(n, 'f', -1, 64) + "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Millisecond || d > longest {
		return 0, fmt.Errorf("%q is no time between 1ms and 24h: write 500ms, 2s or 1m", text)
	}
	return d, nil
}

func (w *words) end() error {
	if len(w.rest) > 0 {
		return fmt.Errorf("%q is too much", w.rest[0].text)
	}
	return nil
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
