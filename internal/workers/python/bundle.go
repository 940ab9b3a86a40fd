package python

import (
	"embed"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

//go:embed program/*.py
var program embed.FS

// Bootstrap is the argument of `python -c` that starts the program. It reads the bundle from
// BundleDescriptor and closes it.
//
// `-c` is on purpose: -I, -S and -E stay away, so that a sitecustomize (tracing wrappers put one on
// PYTHONPATH), PYTHONPATH and user site-packages work as in any Python program, no file of ours has
// to lie on a disk, and sys.executable is the real interpreter.
const Bootstrap = `import os,marshal;f=os.fdopen(4,"rb");s=marshal.load(f);f.close();` +
	`exec(compile(s["bootstrap"],"<fender>/bootstrap.py","exec"),{"__name__":"_fender","sources":s})`

// Descriptors of the template besides 0, 1 and 2.
const (
	ControlDescriptor = 3 // the control socket
	BundleDescriptor  = 4 // the bundle, read once and closed
)

// Bundle returns the program's sources as one marshal dictionary, module name to source text.
// The caller must not change it.
func Bundle() []byte { return bundle() }

var bundle = sync.OnceValue(func() []byte {
	names, err := fs.Glob(program, "program/*.py")
	if err != nil {
		panic(err) // the pattern is constant
	}
	out := []byte{'{'}
	text := func(s string) {
		out = append(out, 'u')
		out = binary.LittleEndian.AppendUint32(out, uint32(len(s)))
		out = append(out, s...)
	}
	for _, name := range names {
		source, err := program.ReadFile(name)
		if err != nil {
			panic(err) // it has just been listed
		}
		text(strings.TrimSuffix(strings.TrimPrefix(name, "program/"), ".py"))
		text(string(source))
	}
	return append(out, '0')
})

// BundleFile returns the bundle in a sealed memory file, to be given to one template as
// BundleDescriptor. Each template needs its own: the offset moves as it is read.
func BundleFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("fender-program", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("making a memory file for the worker program: %w", err)
	}
	file := os.NewFile(uintptr(fd), "fender-program")
	if _, err := file.WriteAt(bundle(), 0); err != nil {
		file.Close()
		return nil, fmt.Errorf("writing the worker program into a memory file: %w", err)
	}
	seals := unix.F_SEAL_WRITE | unix.F_SEAL_GROW | unix.F_SEAL_SHRINK | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(file.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		file.Close()
		return nil, fmt.Errorf("sealing the worker program: %w", err)
	}
	return file, nil
}
