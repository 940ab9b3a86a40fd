package options

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// assign reads text as the option's kind says and puts it into its place. The warning speaks of a text that
// was not read to its end. The error completes the sentence "NAME = TEXT ..."; what the value is then does not matter.
func (o *Option) assign(s *Serve, text string) (warning string, err error) {
	var rest string
	switch place := o.target(s).(type) {
	case *bool:
		return o.assignBool(place, text)
	case *int:
		var n int64
		if n, rest, err = parseInt(text); err == nil {
			if err = o.inBounds(n, func(n int64) string { return fmt.Sprint(n) }); err == nil {
				*place = int(n)
			}
		}
	case *int64:
		unit := int64(1)
		if o.Kind == Megabytes {
			unit = mib
		}
		var n int64
		if n, rest, err = parseSize(text, unit); err == nil {
			if err = o.inBounds(n, formatSize); err == nil {
				*place = n
			}
		}
	case *time.Duration:
		unit := time.Second
		if o.Unit != 0 {
			unit = o.Unit
		}
		var d time.Duration
		if d, rest, err = parseDuration(text, unit); err == nil {
			if err = o.inBounds(int64(d), func(n int64) string { return formatDuration(time.Duration(n)) }); err == nil {
				*place = d
			}
		}
	default:
		return "", o.assignText(place, text)
	}
	if err != nil || comment(rest) {
		return "", err
	}
	if o.New {
		return "", fmt.Errorf("has %s behind the value, which is no unit", shown(strings.TrimSpace(rest)))
	}
	return fmt.Sprintf("is read as %s, as uWSGI does: %s behind it is ignored", o.value(s), shown(strings.TrimSpace(rest))), nil
}

func (o *Option) assignBool(place *bool, text string) (warning string, err error) {
	value, known := parseBool(text)
	if !known && o.New {
		return "", errors.New("is neither true nor false")
	}
	if !known {
		warning = "is read as true, as uWSGI does: only false, off, no and 0 alone are false"
	}
	*place = value != (o.Kind == Inverse)
	return warning, nil
}

func (o *Option) assignText(place any, text string) (err error) {
	switch place := place.(type) {
	case *string:
		if o.oneWord() {
			text = cutComment(text)
		}
		if o.Kind == Choice && !slices.Contains(o.Choices, text) {
			return fmt.Errorf("is not one of %s", strings.Join(o.Choices, ", "))
		}
		*place = text
	case *[]string:
		if o.Kind == Methods {
			*place, err = parseMethods(text)
			return err
		}
		*place = append(*place, text)
	case *[]Address:
		var a Address
		if a, err = parseAddress(text); err == nil {
			*place = append(*place, a)
		}
	case *Address:
		*place, err = parseLoopback(text)
	case *[]netip.Prefix:
		var more []netip.Prefix
		more, err = parseNetworks(text)
		*place = append(*place, more...)
	case *Umask:
		var mask uint32
		mask, err = parseOctal(text)
		*place = Umask{Set: true, Mask: mask}
	default:
		panic(fmt.Sprintf("option %s: no reader for %T", o.Name, place)) // the table is wrong: a test assigns every row
	}
	return err
}

// oneWord says whether a text can have no spaces, so that a comment behind it can be told from it.
func (o *Option) oneWord() bool {
	switch o.Name {
	case "cheaper-algo", "protocol", "module", "callable", "uid", "gid", "health-path":
		return true
	}
	return o.Kind == Choice
}

// clear empties a list, so that the first value given replaces the default.
func (o *Option) clear(s *Serve) {
	switch place := o.target(s).(type) {
	case *[]string:
		*place = nil
	case *[]Address:
		*place = nil
	case *[]netip.Prefix:
		*place = nil
	}
}

func (o *Option) inBounds(n int64, format func(int64) string) error {
	switch {
	case o.Max > 0 && (n < o.Min || n > o.Max):
		return fmt.Errorf("must be from %s to %s", format(o.Min), format(o.Max))
	case n < o.Min:
		return fmt.Errorf("must be at least %s", format(o.Min))
	}
	return nil
}

// parseMethods reads HTTP methods, separated by commas or spaces.
func parseMethods(text string) ([]string, error) {
	var all []string
	for _, word := range strings.FieldsFunc(cutComment(text), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		word = strings.ToUpper(word)
		if strings.ContainsFunc(word, func(r rune) bool { return (r < 'A' || r > 'Z') && r != '-' && r != '_' }) {
			return nil, fmt.Errorf("has %s, which is no HTTP method", shown(word))
		}
		if !slices.Contains(all, word) {
			all = append(all, word)
		}
	}
	return all, nil
}

// value is the option's value as text that assign would read again; lists are joined by commas.
func (o *Option) value(s *Serve) string {
	if o.target == nil {
		return ""
	}
	switch place := o.target(s).(type) {
	case *bool:
		return fmt.Sprint(*place != (o.Kind == Inverse))
	case *int64:
		if o.Kind == Megabytes && *place%mib == 0 {
			return fmt.Sprint(*place / mib)
		}
		return formatSize(*place)
	case *time.Duration:
		if o.Unit == time.Millisecond && *place%time.Millisecond == 0 {
			return fmt.Sprint(place.Milliseconds())
		}
		return formatDuration(*place)
	case *[]string:
		return strings.Join(*place, ",")
	case *[]Address:
		return joined(*place)
	case *[]netip.Prefix:
		return joined(*place)
	case *Address:
		return place.String()
	case *string:
		return *place
	case *int:
		return fmt.Sprint(*place)
	case *Umask:
		if place.Set {
			return fmt.Sprintf("%03o", place.Mask)
		}
	}
	return ""
}

func joined[T fmt.Stringer](all []T) string {
	words := make([]string, len(all))
	for i, one := range all {
		words[i] = one.String()
	}
	return strings.Join(words, ",")
}

// Value is the value of an option as text, for a printed configuration; "" for a name without a value.
func (s *Serve) Value(name string) string {
	o := Lookup(name)
	if o == nil {
		return ""
	}
	return o.value(s)
}
