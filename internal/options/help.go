package options

import (
	"fmt"
	"io"
	"strings"
)

// Usage is the line that says how fender serve is called.
const Usage = "fender serve [options] [module:callable | app.py | app.wsgi | app.ini[:section]]"

// Help writes the options for a terminal of the given width, by groups. Widths below 40 are taken as 40.
func Help(w io.Writer, width int) error {
	width = max(width, 40)
	var b strings.Builder
	b.WriteString("Usage: " + Usage + "\n\n")
	wrap(&b, "Options have uWSGI's names and meanings. They are read from UWSGI_* variables (UWSGI_MAX_REQUESTS=1000), then from "+
		"the command line, then from ini files; the last one wins. A switch is turned off with =false: --need-app=false. Times: a bare number is seconds; 500ms, 2s, 1m. Sizes: bytes; 64k, 10m, 2g.", "", width)
	for _, group := range Groups() {
		b.WriteString("\n" + string(group) + "\n")
		if group == GroupNoted {
			var names []string
			for _, o := range table() {
				if o.Group == group {
					names = append(names, o.Name)
				}
			}
			wrap(&b, strings.Join(names, ", "), "  ", width)
			continue
		}
		for _, o := range table() {
			if o.Group == group {
				o.help(&b, width)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (o *Option) help(b *strings.Builder, width int) {
	b.WriteString("  ")
	if o.Short != 0 {
		fmt.Fprintf(b, "-%c, ", o.Short)
	}
	b.WriteString("--" + o.Name)
	if o.Arg != "" {
		b.WriteString(" " + o.Arg)
	}
	if len(o.Aliases) > 0 {
		b.WriteString("  (--" + strings.Join(o.Aliases, ", --") + ")")
	}
	b.WriteString("\n")
	text := o.Help
	if d := o.shownDefault(); d != "" {
		text += " [" + d + "]"
	}
	wrap(b, text, "        ", width)
}

// shownDefault is the default for people; "" where there is nothing to say.
func (o *Option) shownDefault() string {
	switch {
	case o.DefaultText != "":
		return o.DefaultText
	case o.Kind == Bool && o.Default == "false", o.Kind == Inverse:
		return ""
	}
	return o.Default
}

// wrap writes text in lines of at most width, each behind the indent.
func wrap(b *strings.Builder, text, indent string, width int) {
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
			b.WriteString(indent)
			column = len(indent)
		case column+1+len(word) > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	b.WriteByte('\n')
}
