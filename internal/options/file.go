package options

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

const (
	// largestFile bounds a configuration file, longestLine one of its lines (and one value).
	largestFile = 1 << 20
	longestLine = 64 << 10
	// mostFiles and deepest bound includes.
	mostFiles = 100
	deepest   = 16
)

// foreignFormats are the configuration files of uWSGI that are not read yet.
var foreignFormats = []string{".yaml", ".yml", ".json", ".js", ".xml"}

// fileState is what readIni remembers between files.
type fileState struct {
	// names are the files in the order of reading.
	names []string
	// open are the files and sections being read now, the innermost last.
	open []string
	// last is the file that ":section" means, first the one that %P and the like speak of.
	last, first string
}

// splitSection splits FILE:SECTION at the last colon, as uWSGI does.
func splitSection(spec string) (path, section string) {
	if at := strings.LastIndexByte(spec, ':'); at >= 0 {
		return spec[:at], spec[at+1:]
	}
	return spec, ""
}

// readIni reads one section of an ini file into the list, at this place.
func (r *reader) readIni(spec string, origin Origin) {
	spec = strings.Trim(spec, " \t")
	path, section := splitSection(spec)
	if path == "" && section != "" {
		path = r.files.last
	}
	switch {
	case path == "":
		r.problem(origin, "ini", "ini = "+shown(spec)+" names no file", "write ini = app.ini or app.ini:section")
		return
	case spec == "-", strings.Contains(spec, "://"):
		r.problem(origin, "ini", "ini = "+shown(spec)+" is not a file", "fender reads options from files only")
		return
	case hasSuffix(path, foreignFormats):
		r.problem(origin, "ini", shown(path)+" is in a format that fender does not read yet", "write it as ini: [uwsgi], then one key = value a line")
		return
	}
	id := path
	if section != "" {
		id += ":" + section
	}
	switch {
	case slices.Contains(r.files.open, id):
		r.problem(origin, "ini", fmt.Sprintf("%s is being read already: %s", shown(spec), strings.Join(append(r.files.open, id), " -> ")), "take out one of the lines that name it")
		return
	case len(r.files.open) == deepest || len(r.files.names) == mostFiles:
		r.problem(origin, "ini", shown(spec)+" is one file too many", fmt.Sprintf("at most %d, and %d within each other", mostFiles, deepest))
		return
	}
	data, err := r.source.ReadFile(path)
	if err != nil {
		r.problem(origin, "ini", r.unreadable(path, err), fileHint(path, err))
		return
	}
	r.files.names = append(r.files.names, path)
	r.files.open = append(r.files.open, id)
	r.files.last = path
	if r.files.first == "" {
		r.files.first = path
	}
	r.readLines(data, path, section, spec)
	r.files.open = r.files.open[:len(r.files.open)-1]
}

func (r *reader) readLines(data []byte, path, section, spec string) {
	wanted := section
	if wanted == "" {
		wanted = "uwsgi"
	}
	lines, err := parseIni(data)
	if err != nil {
		var at *lineError
		here := Origin{Where: path, kind: fromFile}
		if errors.As(err, &at) {
			here.Line = at.line
		}
		r.problem(here, "ini", "cannot be read: "+err.Error(), "an ini file is text: [uwsgi], then one key = value a line")
		return
	}
	vars := r.magic(path, section, spec)
	found := false
	for _, line := range lines {
		if line.section != wanted {
			continue
		}
		found = true
		if line.key == "" && line.value == "" {
			continue // the header of the section
		}
		origin := Origin{Where: path, Line: line.number, kind: fromFile}
		key, unknownKey := replaceMagic(line.key, vars)
		value, unknown := replaceMagic(line.value, vars)
		if len(value) > longestLine {
			r.problem(origin, key, "the value is longer than 64 KiB", "shorten it")
			continue
		}
		if unknown = unknownKey + unknown; unknown != "" && supported(key) {
			r.warn(origin, "%s: %%%s stays as it is: fender does not know this variable; write %%%% for a percent sign", shown(line.key+" = "+line.value), unknown[:1])
		}
		r.add(key, value, origin)
	}
	if !found {
		r.warn(Origin{Where: path, kind: fromFile}, "there is no section [%s], so nothing was read", strings.Trim(shown(wanted), `"`))
	}
}

func (r *reader) unreadable(path string, err error) string {
	reason := err.Error()
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		reason = pathError.Err.Error()
	}
	return fmt.Sprintf("cannot read %s: %s", shown(path), reason)
}

func fileHint(path string, err error) string {
	switch {
	case strings.Contains(path, "$(") || strings.Contains(path, "%("):
		return "variables are not replaced in the name of a file"
	case errors.Is(err, fs.ErrNotExist):
		return "check the path, which is relative to the directory that fender was started in"
	case errors.Is(err, fs.ErrPermission):
		return "let the user that fender runs as read it (ls -l shows who may)"
	}
	return "name a file that can be read"
}

// readFile reads a file of at most largestFile bytes; pipes work too.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	if err != nil {
		return nil, err
	}
	return data, nil
}

// supported says whether a name is an option that does something, so that a mistake in its value matters.
func supported(name string) bool {
	o := Lookup(name)
	return o != nil && o.Kind != Noted
}
