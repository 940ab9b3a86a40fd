package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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
		if d := distance(strings.ToLower(written), strings.ToLower(word)); d < best && d < len(word) {
			best, nearest = d, word
		}
	}
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", nearest)
}

// distance is the number of letters to insert, delete or change to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
