package options

// The reading options act in place, while the list of settings is being made: reader.add.
func readingOptions() []Option {
	return []Option{
		{Name: "ini", Kind: Reading, Group: GroupReading, Arg: "FILE[:SECTION]",
			Help: "read the options of a file's section (uwsgi if none is named) at this place; :SECTION is the last file again"},
		{Name: "include", Kind: Reading, Group: GroupReading, Arg: "FILE[:SECTION]",
			Help: "the same as ini"},
		{Name: "set", Short: 'S', Kind: Reading, Group: GroupReading, Arg: "KEY=VALUE",
			Help: "the same as KEY = VALUE in a file"},
		{Name: "set-placeholder", Aliases: []string{"set-ph"}, Kind: Reading, Group: GroupReading, Arg: "KEY=VALUE",
			Help: "a name for %(KEY) that is no option, allowed under strict"},
		{Name: "strict", Kind: Bool, Group: GroupReading, Default: "false",
			Help:   "an unknown key in a file is an error",
			target: func(s *Serve) any { return &s.Strict }},
		{Name: "help", Aliases: []string{"usage"}, Short: 'h', Kind: Action, Group: GroupReading,
			Help: "show this help"},
		{Name: "version", Kind: Action, Group: GroupReading,
			Help: "show fender's version"},
	}
}
