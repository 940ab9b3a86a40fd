package options

import (
	"strings"

	"fender/internal/spelling"
)

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
		if d := spelling.Distance(written, name); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}
