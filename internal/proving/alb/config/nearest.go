package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"fender/internal/spelling"
)

// longestWord bounds what is compared and shown of a misspelt word.
const longestWord = 80

// didYouMean is " (did you mean NAME?)" for the known word nearest to what was written, or "".
func didYouMean[V any](written string, known map[string]V) string {
	if len(written) > longestWord {
		return ""
	}
	best, nearest := 1+max(2, len(written)/8), "" // so many letters may be wrong
	for _, word := range slices.Sorted(maps.Keys(known)) {
		if d := spelling.Distance(strings.ToLower(written), strings.ToLower(word)); d < best && d < len(word) {
			best, nearest = d, word
		}
	}
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", nearest)
}
