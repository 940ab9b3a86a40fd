package rule

import "strings"

// pattern is a value with wildcards: * is any number of characters, ? is exactly one. A backslash takes
// the meaning of a wildcard behind it away.
type pattern struct {
	letters []letter
	fold    bool // letters of either case
}

type letter struct {
	c         byte
	any, many bool // ? and *
}

func newPattern(text string, fold bool) pattern {
	p := pattern{fold: fold}
	if fold {
		text = strings.ToLower(text)
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '*':
			p.letters = append(p.letters, letter{many: true})
		case c == '?':
			p.letters = append(p.letters, letter{any: true})
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`*?\`, text[i+1]) >= 0:
			i++
			p.letters = append(p.letters, letter{c: text[i]})
		default:
			p.letters = append(p.letters, letter{c: c})
		}
	}
	return p
}

// match tries the whole text. On a mismatch the last * takes one more character: nothing before it ever
// needs to be tried again, so the time is bounded by the product of the lengths.
func (p pattern) match(text string) bool {
	if p.fold {
		text = strings.ToLower(text)
	}
	i, star, from := 0, -1, 0
	for at := 0; at < len(text); {
		switch {
		case i < len(p.letters) && p.letters[i].many:
			star, from = i, at
			i++
		case i < len(p.letters) && (p.letters[i].any || p.letters[i].c == text[at]):
			i++
			at++
		case star >= 0:
			from++
			i, at = star+1, from
		default:
			return false
		}
	}
	for i < len(p.letters) && p.letters[i].many {
		i++
	}
	return i == len(p.letters)
}
