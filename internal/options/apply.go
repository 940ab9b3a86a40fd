package options

import "fmt"

// apply makes a Serve of the defaults and the list, in order.
func (r *reader) apply() *Serve {
	s := defaults()
	s.settings = r.settings
	s.Files = r.files.names
	noted := map[string]bool{}
	for _, setting := range r.settings {
		if o := setting.option; o != nil && o.Name == "strict" {
			r.set(s, setting) // counts for the whole list, wherever it stands
		}
	}
	for _, setting := range r.settings {
		o := setting.option
		switch {
		case setting.placeholder:
		case o == nil:
			r.unsupported(s, setting, noted)
		case o.Kind == Action:
			r.warn(setting.Origin, "%s belongs on the command line (ignored)", setting.Name)
		case o.Kind == Noted:
			if on, _ := parseBool(setting.Value); (on || o.Arg != "") && !noted[o.Name] {
				noted[o.Name] = true
				r.notes = append(r.notes, o.Name+": "+o.Note)
			}
		case o.Name != "strict":
			r.set(s, setting)
		}
	}
	r.imply(s)
	return s
}

// defaults is a Serve as the table says, before anybody set anything.
func defaults() *Serve {
	s := &Serve{origins: map[string][]Origin{}}
	for _, o := range table() {
		if o.Default == "" || o.target == nil {
			continue
		}
		if _, err := o.assign(s, o.Default); err != nil {
			panic(fmt.Sprintf("option %s: default %q %v", o.Name, o.Default, err)) // the table is wrong: a test reads it
		}
	}
	return s
}

// set applies one setting that the table knows.
func (r *reader) set(s *Serve, setting Setting) {
	o := setting.option
	if o.isList() && !s.given(o.Name) {
		o.clear(s)
	}
	if o.Kind == List && setting.Value == "" {
		return // a variable that is empty
	}
	shownSetting := setting.Name + " = " + shown(setting.Value)
	if setting.Value == "" && o.needsValue() && !o.emptyCounts() && o.Kind != String {
		r.problem(setting.Origin, o.Name, setting.Name+" has no value", "write "+setting.Name+" = "+o.Arg)
		return
	}
	if text := cutComment(setting.Value); text != setting.Value && setting.Origin.kind == fromFile && (o.Kind == String || o.Kind == List) && !o.oneWord() {
		r.warn(setting.Origin, "%s is taken whole: a file has no comments behind a value", shownSetting)
	}
	warning, err := o.assign(s, setting.Value)
	if err != nil {
		r.problem(setting.Origin, o.Name, shownSetting+" "+err.Error(), o.hint())
		return
	}
	if warning != "" {
		r.warn(setting.Origin, "%s %s", shownSetting, warning)
	}
	if !o.isList() {
		s.origins[o.Name] = nil
	}
	s.origins[o.Name] = append(s.origins[o.Name], setting.Origin)
}

// hint says how a value of the option is written.
func (o *Option) hint() string {
	switch o.Kind {
	case Duration:
		unit := "seconds"
		if o.Unit != 0 {
			unit = "milliseconds"
		}
		return "write " + unit + ", or a time as 500ms, 2s, 1m"
	case Size:
		return "write bytes, or a size as 64k, 10m, 2g"
	case Megabytes:
		return "write megabytes, or a size as 512m, 2g"
	case Int:
		return "write " + o.Name + " = " + o.Arg + ", a whole number"
	case Bool, Inverse:
		return "write true or false"
	}
	return ""
}

// imply turns on what other options need, as uWSGI's flags do.
func (r *reader) imply(s *Serve) {
	for _, o := range table() {
		if o.Always != "" && s.given(o.Name) {
			if on := o.target(s).(*bool); !*on {
				r.warn(s.origins[o.Name][0], "%s = false has no effect: %s", o.Name, o.Always)
				*on = true
			}
		}
		for _, name := range o.Implies {
			if !s.given(o.Name) || s.given(name) {
				continue
			}
			implied := Lookup(name)
			*implied.target(s).(*bool) = true
			s.origins[name] = []Origin{{Where: "implied by " + o.Name, kind: fromImplied}}
		}
	}
}

// unsupported deals with a name that the table lacks.
func (r *reader) unsupported(s *Serve, setting Setting, noted map[string]bool) {
	name := setting.Name
	if known()[name] == nil {
		r.unknown(s, setting, noted)
		return
	}
	if what, hint := refusal(name, setting.Value); what != "" {
		r.problem(setting.Origin, name, name+": "+what, hint)
		return
	}
	if noted[name] {
		return
	}
	noted[name] = true
	hint := instead[name]
	if hint != "" {
		hint = "; " + hint
	}
	r.warn(setting.Origin, "known to uWSGI, not supported by fender yet: %s (ignored)%s", name, hint)
}

// unknown deals with a key that nobody knows: a placeholder in a file, as in uWSGI, an error under strict.
// (On the command line it was an error already.)
func (r *reader) unknown(s *Serve, setting Setting, noted map[string]bool) {
	if noted[setting.Name] || r.used[setting.Name] && !s.Strict {
		return
	}
	noted[setting.Name] = true
	key, hint := shortName(setting.Name), ""
	if near := nearest(setting.Name); near != "" {
		hint = "did you mean " + near + "?"
	}
	if s.Strict {
		if hint == "" {
			hint = "take it out, or write set-placeholder = " + key + "=VALUE"
		}
		r.problem(setting.Origin, setting.Name, "unknown key "+key+" (strict)", hint)
		return
	}
	if hint != "" {
		hint = "; " + hint
	}
	r.warn(setting.Origin, "unknown key %s (kept as a placeholder)%s", key, hint)
}
