package cli

import (
	"fmt"

	"fender/internal/spelling"
)

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
		if d := spelling.Distance(written, name); d < best && d < len(name) {
			best, nearest = d, name
		}
	}
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s%s?)", prefix, nearest)
}
