package cli

import (
	"errors"
	"strconv"
	"time"
)

// duration is a time on the command line, as everywhere in fender: a bare number is seconds, 500ms,
// 2s and 1m are understood. It must be above 0.
type duration time.Duration

func (d *duration) String() string { return time.Duration(*d).String() }

// Type is what the help calls the value.
func (d *duration) Type() string { return "TIME" }

// Set reads the value.
func (d *duration) Set(text string) error {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += "s"
	}
	v, err := time.ParseDuration(text)
	if err != nil || v <= 0 {
		return errors.New("a time is a number of seconds, or 500ms, 2s, 1m")
	}
	*d = duration(v)
	return nil
}
