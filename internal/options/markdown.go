package options

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Markdown writes the reference of all options, docs/options.md.
func Markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Options of fender serve

This page is made from the option table (internal/options); a test compares them.

    ` + Usage + `

Names and meanings are uWSGI's wherever uWSGI has the concept; **new** marks those that it does not have.

- Sources, in order: ` + "`UWSGI_*`" + ` variables (` + "`UWSGI_MAX_REQUESTS=1000`" + `), the command line with its files in place, files without a
  name (` + "`fender serve app.ini`" + `) last. The last one wins; lists add up.
- On the command line ` + "`--name=value`, `--name value`" + `, unambiguous beginnings of names, and short flags (` + "`-p4`, `-p 4`, `-MT`" + `). A switch takes a
  value only behind an equals sign: ` + "`--need-app=false`" + `.
- Switches: ` + "`false`, `off`, `no` and `0`" + ` are false, everything else is true. Numbers: the leading digits count. Times: a bare number is
  seconds; ` + "`500ms`, `2s`, `1m`, `1h`" + `. Sizes: bytes; ` + "`64k`, `10m`, `2g`" + `.
- In files: ` + "`%d`" + ` and the other variables of the file, ` + "`$(VARIABLE)`" + ` for the environment, ` + "`%(name)`" + ` for another setting.
`)
	for _, group := range Groups() {
		fmt.Fprintf(&b, "\n## %s\n\n", group)
		if group == GroupNoted {
			b.WriteString("| option | why |\n|---|---|\n")
		} else {
			b.WriteString("| option | default | meaning |\n|---|---|---|\n")
		}
		for _, o := range table() {
			if o.Group == group {
				o.markdown(&b)
			}
		}
	}
	b.WriteString("\n## Refused\n\nOptions of uWSGI that must not be ignored: a configuration with one of them does not start.\n\n| options | why | instead |\n|---|---|---|\n")
	for _, group := range refusals {
		names := group.names
		if group.what == conditionWhat {
			names = append(slices.Clone(names), "if-...", "for-...")
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", code(names), cell(group.what), cell(group.hint))
	}
	what, hint := refusal("route", "basicauth")
	fmt.Fprintf(&b, "| routing rules with `basicauth`, `access:` or `break:` | %s | %s |\n", cell(what), cell(hint))
	b.WriteString("\n## Ignored with a warning\n\nEvery other option of uWSGI, as *known to uWSGI, not supported by fender yet*. For these there is something else:\n\n| option | instead |\n|---|---|\n")
	var names []string
	for name := range instead {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, cell(instead[name]))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (o *Option) markdown(b *strings.Builder) {
	name := "`" + o.Name
	if o.Arg != "" && o.Group != GroupNoted {
		name += " = " + o.Arg
	}
	name = cell(name) + "`"
	var also []string
	if o.Short != 0 {
		also = append(also, "-"+string(rune(o.Short)))
	}
	if also = append(also, o.Aliases...); len(also) > 0 {
		name += ", " + code(also)
	}
	if o.New {
		name += " **new**"
	}
	if o.Group == GroupNoted {
		fmt.Fprintf(b, "| %s | %s |\n", name, cell(o.Note))
		return
	}
	value := o.shownDefault()
	if o.DefaultText == "" && value != "" {
		value = "`" + value + "`"
	}
	if o.Why != "" {
		value = strings.TrimPrefix(value+" ("+o.Why+")", " ")
	}
	fmt.Fprintf(b, "| %s | %s | %s |\n", name, cell(value), cell(o.Help))
}

func code(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
