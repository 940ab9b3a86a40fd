package options

import (
	"path/filepath"
	"strconv"
	"strings"
)

// magic is the table of %x variables for one file (core/uwsgi.c config_magic_table_fill): those of the file, in
// capitals those of the first file, and of the machine. spec is the file as it was named.
func (r *reader) magic(path, section, spec string) map[byte]string {
	vars := map[byte]string{
		'v': r.source.Dir,
		'h': r.source.Hostname,
		'k': strconv.Itoa(r.source.CPUs),
		'x': section,
		'o': spec,
		'%': "%",
		'(': "%(", // for expand
	}
	fill := func(path string, letters string) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(r.source.Dir, path)
		}
		dir, name := filepath.Split(path)
		extension := strings.TrimPrefix(filepath.Ext(name), ".")
		for i, value := range []string{
			path, dir, name, strings.TrimSuffix(name, filepath.Ext(name)), extension, filepath.Base(dir),
		} {
			vars[letters[i]] = value
		}
	}
	fill(path, "pdsnec")
	fill(r.files.first, "PDSNEC")
	return vars
}

// replaceMagic replaces the variables and returns the letters of those that the table lacks. uWSGI makes these
// empty; they are left alone, because a percent sign in a value is more likely.
func replaceMagic(text string, vars map[byte]string) (replaced, unknown string) {
	if !strings.Contains(text, "%") {
		return text, ""
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		value, found := vars[text[i+1]]
		if !found {
			b.WriteByte('%')
			unknown += text[i+1 : i+2]
			continue
		}
		b.WriteString(value)
		i++
		if b.Len() > longestLine {
			return b.String() + text[i+1:], unknown // refused by its length
		}
	}
	return b.String(), unknown
}
