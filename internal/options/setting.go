package options

import (
	"fmt"
	"strings"
)

// Setting is one line of a file, one option of the command line, or one variable.
type Setting struct {
	// Name is the option's name as it was written (a shortened one is completed).
	Name string
	// Value is the text after the equals sign, "" for a name alone.
	Value string
	// Origin is where it stands.
	Origin Origin

	option *Option
	// placeholder marks what set-placeholder made: never an option.
	placeholder bool
}

// Origin is the place where a setting stands. The zero Origin is the default of the table.
type Origin struct {
	// Where is the source in words: "command line", a variable's name, a file's name.
	Where string
	// Line counts from 1 in a file, and is 0 elsewhere.
	Line int

	kind originKind
}

type originKind int

const (
	fromDefault originKind = iota
	fromEnviron
	fromCommandLine
	fromFile
	fromImplied
)

var commandLine = Origin{Where: "command line", kind: fromCommandLine}

// String is the origin for people: "uwsgi.ini:3".
func (o Origin) String() string {
	switch {
	case o.kind == fromDefault && o.Where == "":
		return "default"
	case o.Line > 0:
		return fmt.Sprintf("%s:%d", o.Where, o.Line)
	}
	return o.Where
}

func joinOrigins(all []Origin) string {
	if len(all) == 0 {
		return Origin{}.String()
	}
	var words []string
	for _, o := range all {
		if word := o.String(); len(words) == 0 || words[len(words)-1] != word {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}
