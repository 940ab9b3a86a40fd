package master

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// stamp is what a touch changes about a file: it may also appear, go, or be replaced.
type stamp struct {
	there bool
	time  time.Time
	file  os.FileInfo
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{there: true, time: info.ModTime(), file: info}
}

func (s stamp) same(o stamp) bool {
	return s.there == o.there && s.time.Equal(o.time) && (!s.there || os.SameFile(s.file, o.file))
}

// touched watches files and calls found with the one that was touched. It watches their
// directories, since a file may be replaced or not exist yet.
type touched struct {
	watcher *fsnotify.Watcher
	done    chan struct{}
}

// watchTouch starts watching. Nothing is watched when there are no files.
func watchTouch(files []string, found func(path string), warn func(string, ...any)) (*touched, error) {
	if len(files) == 0 {
		return &touched{}, nil
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("touch-reload: cannot watch files: %w", err)
	}
	stamps := map[string]stamp{}
	for _, f := range files {
		path, err := filepath.Abs(f)
		if err == nil {
			err = w.Add(filepath.Dir(path))
		}
		if err != nil { // the others are watched all the same
			warn("touch-reload: cannot watch the directory of %s: %v; make it before fender starts", f, err)
			continue
		}
		stamps[path] = stampOf(path)
	}
	t := &touched{watcher: w, done: make(chan struct{})}
	go t.run(stamps, found, warn)
	return t, nil
}

func (t *touched) run(stamps map[string]stamp, found func(string), warn func(string, ...any)) {
	defer close(t.done)
	for {
		select {
		case _, ok := <-t.watcher.Events:
			if !ok {
				return
			}
		case err, ok := <-t.watcher.Errors:
			if !ok {
				return
			}
			warn("touch-reload: %v", err) // an overflow too: what was missed is found below
		}
		// Which name an event carries depends on how the file was replaced (a mounted
		// ConfigMap swaps a link beside it), so every file is looked at.
		for path, was := range stamps {
			if is := stampOf(path); !is.same(was) {
				stamps[path] = is
				found(path)
			}
		}
	}
}

// stop ends the watching.
func (t *touched) stop() {
	if t.watcher != nil {
		t.watcher.Close()
		<-t.done
	}
}
