//go:build linux

package slowdisk

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestDisk_IsADirectoryWhoseFilesHang(t *testing.T) {
	d := New(t)
	path := filepath.Join(d.Dir, "f")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.CreateTemp(d.Dir, "x")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		t.Error(err)
	}
	d.Shut()
	type outcome struct {
		what string
		err  error
	}
	done := make(chan outcome, 2)
	go func() {
		b, err := os.ReadFile(path)
		done <- outcome{"read " + string(b), err}
	}()
	d.Hangs(1)
	go func() {
		_, err := f.WriteAt([]byte("written"), 3)
		done <- outcome{"wrote", err}
	}()
	d.Hangs(2)
	select {
	case o := <-done:
		t.Fatalf("%s, %v, though the gate was shut", o.what, o.err)
	default:
	}
	d.Open()
	for range 2 {
		select {
		case o := <-done:
			if o.err != nil || o.what != "wrote" && o.what != "read content" {
				t.Errorf("%s, %v", o.what, o.err)
			}
		case <-time.After(patience):
			t.Fatal("the gate did not open")
		}
	}
	if b, err := io.ReadAll(io.NewSectionReader(f, 3, 100)); string(b) != "written" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if left, err := os.ReadDir(d.Dir); !errors.Is(err, unix.ENOSYS) {
		t.Errorf("%v, %v", left, err) // no test lists it
	}
}
