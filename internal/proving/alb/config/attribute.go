package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// attribute is one attribute of AWS's: how its text is read into T, and what is wrong with a value.
type attribute[T any] struct {
	name     string
	read     func(*T, string) error
	check    func(*T) error
	isLength bool // a length of time, whose range ends with Hasten
	hasten   func(*T, float64)
}

// seconds is a length of time within a range; also lists values outside of it that are good too.
func seconds[T any](name string, low, high int, at func(*T) *time.Duration, also ...int) attribute[T] {
	second := func(n int) time.Duration { return time.Duration(n) * time.Second }
	return attribute[T]{
		name: name,
		read: func(t *T, text string) error {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || n > 1<<30 {
				return fmt.Errorf("%q is not a number of seconds", text)
			}
			*at(t) = second(n)
			return nil
		},
		check: func(t *T) error {
			d := *at(t)
			if d >= second(low) && d <= second(high) || slices.ContainsFunc(also, func(n int) bool { return d == second(n) }) {
				return nil
			}
			except := ""
			for _, n := range also {
				except += fmt.Sprintf(" or %d", n)
			}
			return fmt.Errorf("%v is outside of %d to %d seconds%s", d, low, high, except)
		},
		isLength: true,
		hasten:   func(t *T, by float64) { *at(t) = hasten(*at(t), by) },
	}
}

func boolean[T any](name string, at func(*T) *bool) attribute[T] {
	return attribute[T]{name: name, read: func(t *T, text string) (err error) {
		*at(t), err = parseBool(text)
		return err
	}}
}

func oneOf[T any, S ~string](name string, at func(*T) *S, values ...S) attribute[T] {
	return attribute[T]{
		name: name,
		read: func(t *T, text string) error { *at(t) = S(text); return nil },
		check: func(t *T) error {
			if slices.Contains(values, *at(t)) {
				return nil
			}
			known := map[string]bool{}
			words := make([]string, len(values))
			for i, v := range values {
				words[i], known[string(v)] = string(v), true
			}
			return fmt.Errorf("%q is not one of %s%s", *at(t), strings.Join(words, ", "), didYouMean(string(*at(t)), known))
		},
	}
}

// threshold is a number from 1, or off.
func threshold[T any](name string, high int, at func(*T) *int) attribute[T] {
	return attribute[T]{
		name: name,
		read: func(t *T, text string) error {
			n, err := strconv.Atoi(text)
			if text != "off" && (err != nil || n < 1) {
				return fmt.Errorf("%q is neither a number from 1 nor off", text)
			}
			*at(t) = n
			return nil
		},
		check: func(t *T) error {
			if n := *at(t); n < 0 || n > high {
				return fmt.Errorf("%d is outside of 1 to %d", n, high)
			}
			return nil
		},
	}
}

func words[T any](name string, at func(*T) *string) attribute[T] {
	return attribute[T]{name: name, read: func(t *T, text string) error { *at(t) = text; return nil }}
}

// inert is an attribute that is not simulated: the values at which it does nothing are taken.
func inert[T any](name, why string, values ...string) attribute[T] {
	return attribute[T]{name: name, read: func(_ *T, text string) error {
		if slices.Contains(values, text) {
			return nil
		}
		return errors.New(why)
	}}
}

// attributes reads a mapping of attributes, which AWS names with dots in them.
func attributes[T any](p place, table []attribute[T], to *T) {
	k := keys{}
	for _, a := range table {
		k[a.name] = func(p place) {
			text, ok := p.scalar()
			if !ok {
				return
			}
			if err := a.read(to, text); err != nil {
				p.fail("%v", err)
			}
		}
	}
	p.mapping(k)
}

func check[T any](table []attribute[T], t *T, hastened bool, fail func(at, format string, args ...any)) {
	for _, a := range table {
		if a.check == nil || hastened && a.isLength {
			continue
		}
		if err := a.check(t); err != nil {
			fail(".Attributes."+a.name, "%v", err)
		}
	}
}
