package front

import (
	"os"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
)

// part is a piece of an answer: bytes, or a range of a file.
type part struct {
	bytes   []byte
	block   *exchange.Block // in which the bytes lie; nil: in none
	counted bool            // the bytes are in the memory budget
	file    *os.File
	off, n  int64
	spooled bool // file is the reply's spool, not the application's: it is not closed with the part
	punched bool // its disk space was given back
}

// partCost is what a part costs beside its bytes, so that an application that yields single bytes
// cannot fill the memory with parts.
const partCost = 256

// size is the number of bytes of the part.
func (p *part) size() int64 {
	if p.file != nil {
		return p.n
	}
	return int64(len(p.bytes))
}

// cost is what the part adds to its answer's share of the memory.
func (p *part) cost() int64 {
	if p.file != nil {
		return 0
	}
	return int64(len(p.bytes)) + partCost
}

// punch gives the disk space of a sent part of the spool back, where the file system can do that.
func (p *part) punch() {
	const mode = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE
	p.punched = p.spooled && unix.Fallocate(int(p.file.Fd()), mode, p.off, p.n) == nil
}
