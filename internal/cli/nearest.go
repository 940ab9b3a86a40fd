package cli

import "fmt"

// longestWord bounds what of an argument is shown and compared.
const longestWord = 60

func clip(s string) string {
	if len(s) > longestWord {
		return s[:longestWord] + "..."
	}
	return s
}

// didYouMean is " (did you mean PREFIXname?)" for the name nearest to what was written, or "".
func didYouMean(written string, names []string, prefix string) string {
	if len(written) > longestWord {
		return ""
	}
	best, nearest := 3, "" // two letters may be wrong
	for _, name := range names {
		if d := distance(written, name); d < best && d < len(name) {
			best, nearest = d, name
		}
	}
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s%s?)", prefix, nearest)
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
