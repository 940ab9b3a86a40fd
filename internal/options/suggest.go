package options

import "strings"

// nearest is the option that a misspelt name most likely means, "" if none is near. Between equally near ones
// an option that fender supports comes before one that it only knows.
func nearest(written string) string {
	const longestName = 64
	if len(written) > longestName {
		return ""
	}
	written = strings.ReplaceAll(strings.ToLower(written), "_", "-")
	most := 2
	if len(written) < 5 {
		most = 1
	}
	best, bestDistance := "", most+1
	for _, name := range allNames() {
		if apart := len(written) - len(name); apart > most || -apart > most {
			continue
		}
		if d := distance(written, name); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, change or swap with their neighbour to make b of a
// (Damerau and Levenshtein, no letter touched twice).
func distance(a, b string) int {
	before := make([]int, len(b)+1)
	last := make([]int, len(b)+1)
	row := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
