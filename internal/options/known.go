package options

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// knownText is every option name of uWSGI, so that one that fender lacks is told from one that is misspelt.
//
//go:embed known_uwsgi.txt
var knownText string

// argument is getopt_long's has_arg.
type argument byte

const (
	noValue       argument = '-'
	requiredValue argument = '='
	optionalValue argument = '?'
)

// knownOption is an option of uWSGI.
type knownOption struct {
	value argument
	short byte
}

var known = sync.OnceValue(func() map[string]*knownOption {
	all := map[string]*knownOption{}
	for line := range strings.Lines(knownText) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] == "#" || words[0][0] == '#' {
			continue
		}
		k := &knownOption{value: argument(words[1][0])}
		if len(words) > 2 {
			k.short = words[2][0]
		}
		all[words[0]] = k
	}
	return all
})

// allNames is every name that the command line knows, sorted, the table's before uWSGI's others.
var allNames = sync.OnceValue(func() []string {
	var ours, others []string
	for name := range byName() {
		ours = append(ours, name)
	}
	for name := range known() {
		if Lookup(name) == nil {
			others = append(others, name)
		}
	}
	slices.Sort(ours)
	slices.Sort(others)
	return append(ours, others...)
})

// byLetter is the name of a short flag: the table's, else uWSGI's; "" if there is none.
func byLetter(letter byte) string {
	if letter == 0 {
		return "" // the table's "no letter"
	}
	for _, o := range table() {
		if o.Short == letter {
			return o.Name
		}
	}
	for _, name := range allNames() {
		if k := known()[name]; k != nil && k.short == letter {
			return name
		}
	}
	return ""
}
