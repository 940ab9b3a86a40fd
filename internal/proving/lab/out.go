package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"fender/internal/proving/report"
)

// The report's files, and by what near its begin each is known for one.
const (
	resultFile, resultMark = "result.json", `"scenario":`
	pageFile, pageMark     = "index.html", "fender lab</title>"
)

// prepare makes the directory ready. An earlier run's report goes, so that a run that breaks off
// leaves none beside its logs; somebody else's file of that name is refused, and all others stay.
func prepare(out string) error {
	for name, mark := range map[string]string{resultFile: resultMark, pageFile: pageMark} {
		path := filepath.Join(out, name)
		ours, err := begins(path, mark)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case !ours:
			return fmt.Errorf("%s is there and is no report of fender lab: take another directory (--out)", path)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return os.MkdirAll(filepath.Join(out, "logs"), 0o755)
}

// begins says whether the mark stands near the file's begin.
func begins(path, mark string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 4<<10))
	return bytes.Contains(head, []byte(mark)), err
}

// save writes the report's files.
func (l *lab) save(r *report.Result) error {
	text, err := r.JSON()
	if err != nil {
		return err
	}
	page, err := r.HTML()
	if err != nil {
		return err
	}
	return errors.Join(write(filepath.Join(l.Out, resultFile), text), write(filepath.Join(l.Out, pageFile), page))
}

// write writes the whole file or none: half a report must not look like one.
func write(path string, text []byte) error {
	draft := path + ".new"
	err := os.WriteFile(draft, text, 0o644)
	if err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		_ = os.Remove(draft)
	}
	return err
}
