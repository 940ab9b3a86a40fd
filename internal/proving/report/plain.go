package report

import (
	"fmt"
	"strconv"
	"strings"
)

// longest is how many bytes of a line are shown.
const longest = 1000

// Plain makes a line that somebody else has written fit for a terminal and a page: what is not
// printable (control characters, what turns the direction of writing) is shown by its number, and a
// line that is too long is cut.
func Plain(line string) string {
	var b strings.Builder
	for i, r := range line { // what is no UTF-8 comes as U+FFFD
		if i >= longest {
			fmt.Fprintf(&b, "... (%d bytes)", len(line))
			break
		}
		if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}
