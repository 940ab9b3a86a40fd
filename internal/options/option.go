package options

import (
	"sync"
	"time"
)

// Option is one row of the table: everything that is known about an option stands here, and parsing,
// help, reference and checks are made from it.
type Option struct {
	// Name is the option's first name, Aliases are uWSGI's other names for it.
	Name    string
	Aliases []string
	// Short is the letter of the short flag, 0 if there is none.
	Short byte
	Kind  Kind
	Group Group
	// Arg names the value in the help; empty for an option that needs no value.
	Arg string
	// Default is a value in the option's own notation, read like any other; "" is the kind's zero.
	Default string
	// DefaultText replaces Default for people where the default depends on something.
	DefaultText string
	// Why says why the default or the meaning is not uWSGI's.
	Why string
	// Help is one line for people.
	Help string
	// New marks an option that uWSGI does not have, or has with another meaning.
	New bool
	// Always marks a switch that cannot be switched off here; the text says what is always so.
	Always string
	// Note is what is reported, once, for an option that is accepted and does nothing.
	Note string
	// Implies names the switches that this option turns on, as the flags column of uWSGI's tables does.
	Implies []string
	// Min and Max bound a number, in the base unit of the kind (ones, bytes, nanoseconds); Max 0 is the
	// kind's own bound.
	Min, Max int64
	// Unit is what a bare number means for a Duration; 0 is a second.
	Unit time.Duration
	// Choices are the words of a Choice.
	Choices []string

	// target is the place of the value in a Serve; the pointer's type goes with Kind.
	target func(*Serve) any
}

// Kind says how the text of a value is read.
type Kind int

// The kinds. The names in brackets are the handlers of uWSGI's core/uwsgi.c whose grammar is kept.
const (
	// Bool is true with any value but false, off, no and 0 (uwsgi_opt_true).
	Bool Kind = iota + 1
	// Inverse is a Bool whose name says the contrary of its field (uwsgi_opt_false).
	Inverse
	// Int is the leading digits of the text (uwsgi_opt_set_int: atoi), never negative.
	Int
	// Size is bytes, with k, m, g, t for powers of 1024.
	Size
	// Megabytes is a Size whose bare number counts MiB (uwsgi_opt_set_megabytes).
	Megabytes
	// Duration is seconds if bare, or 500ms, 2s, 1m, 1h, 1m30s.
	Duration
	// String is the text as it stands (uwsgi_opt_set_str).
	String
	// Choice is one word of a fixed list.
	Choice
	// List is repeatable, in order (uwsgi_opt_add_string_list).
	List
	// KeyValue is a repeatable KEY=VALUE.
	KeyValue
	// Methods is a comma separated list of HTTP methods; the last one given counts.
	Methods
	// Networks is a repeatable, comma separated list of addresses and CIDR blocks.
	Networks
	// Octal is a file mode.
	Octal
	// Addresses is a repeatable place to listen (uwsgi_opt_add_socket).
	Addresses
	// Loopback is one place to listen, on the loopback interface unless an address is given.
	Loopback
	// Noted is accepted and does nothing; its Note is reported.
	Noted
	// Reading acts while the options are being read (ini, include, set).
	Reading
	// Action is a word of the command line that is no setting (help, version).
	Action
)

// Group is a heading of the help and the reference.
type Group string

// The groups, in the order in which they are shown.
const (
	GroupSockets     Group = "Sockets and connections"
	GroupApplication Group = "Application"
	GroupWorkers     Group = "Workers and processes"
	GroupScaling     Group = "Scaling"
	GroupRecycling   Group = "Recycling and reload"
	GroupLimits      Group = "Limits and timeouts"
	GroupDrain       Group = "Health and drain"
	GroupLogbook     Group = "Logs and control"
	GroupReading     Group = "Reading options"
	GroupNoted       Group = "Accepted, without effect"
)

// Groups lists the headings in order.
func Groups() []Group {
	return []Group{GroupSockets, GroupApplication, GroupWorkers, GroupScaling, GroupRecycling,
		GroupLimits, GroupDrain, GroupLogbook, GroupReading, GroupNoted}
}

// Table is every option that fender serve reads, in the order of the help. The slice is shared: do not change it.
func Table() []*Option { return table() }

var table = sync.OnceValue(func() []*Option {
	var all []*Option
	for _, part := range [][]Option{
		socketOptions(), applicationOptions(), workerOptions(), scalingOptions(), recyclingOptions(),
		limitOptions(), drainOptions(), logbookOptions(), readingOptions(), notedOptions(),
	} {
		for i := range part {
			all = append(all, &part[i])
		}
	}
	return all
})

var byName = sync.OnceValue(func() map[string]*Option {
	index := map[string]*Option{}
	for _, o := range table() {
		index[o.Name] = o
		for _, alias := range o.Aliases {
			index[alias] = o
		}
	}
	return index
})

// Lookup finds an option by its name or one of its aliases; nil if the table has none.
func Lookup(name string) *Option { return byName()[name] }

// names is the option's name and its aliases.
func (o *Option) names() []string { return append([]string{o.Name}, o.Aliases...) }

// needsValue says whether the command line must give a value: "--opt value" or "--opt=value".
// The others take a value only behind an equals sign, as getopt_long's optional arguments do.
func (o *Option) needsValue() bool {
	switch o.Kind {
	case Bool, Inverse, Action:
		return false
	case Noted:
		return o.Arg != "" && o.Arg[0] != '['
	}
	return true
}

// isList says whether values add up instead of replacing each other.
func (o *Option) isList() bool {
	switch o.Kind {
	case List, KeyValue, Networks, Addresses:
		return true
	}
	return false
}
