package cli

import (
	"errors"
	"fmt"
	"os"

	"fender/internal/proving/siege"
)

// saved reads the result to compare with, before the run: a wrong file must not cost a run.
func (f *siegeFlags) saved() (*siege.Result, error) {
	switch len(f.compare) {
	case 0:
		return nil, nil
	case 1:
		return readSaved(f.compare[0])
	}
	return nil, usageError("--compare is given once with a URL, or twice without")
}

func readSaved(name string) (*siege.Result, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--compare: %w", err)
	}
	defer file.Close()
	r, err := siege.ReadResult(file)
	if err != nil {
		return nil, fmt.Errorf("--compare %s: %w", name, err)
	}
	return r, nil
}

// compareSaved compares two saved results, without a run.
func (f *siegeFlags) compareSaved(p *Process) error {
	old, err := readSaved(f.compare[0])
	if err != nil {
		return err
	}
	now, err := readSaved(f.compare[1])
	if err != nil {
		return err
	}
	return siege.Compare(p.Stdout, old, now)
}

// create opens the file of --out before the run, beside an old one, which stays until there is a new
// result. --out and --compare may be the same file. A pipe or a device is written to as it is.
func (f *siegeFlags) create() (*os.File, error) {
	if f.out == "" {
		return nil, nil
	}
	name := f.out + ".new"
	if old, err := os.Stat(f.out); err == nil && !old.Mode().IsRegular() {
		name = f.out // the opening says what is wrong with a directory
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	return file, nil
}

func (f *siegeFlags) save(file *os.File, r *siege.Result) error {
	if file == nil {
		return nil
	}
	err := errors.Join(r.Write(file), file.Close())
	if name := file.Name(); name != f.out {
		if err == nil {
			err = os.Rename(name, f.out)
		} else {
			err = errors.Join(err, os.Remove(name))
		}
	}
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}

// discard takes back what create made, when there is no result.
func (f *siegeFlags) discard(file *os.File) {
	if file == nil {
		return
	}
	file.Close()
	if file.Name() != f.out {
		os.Remove(file.Name())
	}
}
