package front

import "fender/internal/loop"

const (
	// spoolers is how many goroutines write answers to spool files. Disks do not get faster by more.
	spoolers = 2
	// spoolBatch is how much of one answer is written before the next answer has its turn.
	spoolBatch = 1 << 20
)

// spooler writes late chunks of answers into their spool files, on helpers of its own: whoever brings the
// chunks must not wait for a disk.
type spooler struct {
	warn    func(error)
	helpers *loop.Helpers
}

// add has a reply written whose writing was just set. It is under way once at most.
func (s *spooler) add(r *reply) {
	s.helpers.Do(func() {
		if s.write(r) {
			s.add(r) // behind those that have come meanwhile
		}
	})
}

// write writes the reply's next chunks and reports whether there are more.
func (s *spooler) write(r *reply) (more bool) {
	door, id := r.front().options.Door, r.request.ID // behind the last chunk the reply may be another request's
	chunks := r.forSpool()
	file, off, err := s.append(r, chunks)
	if err != nil {
		s.warn(err)
	}
	more, resume := r.spooled(chunks, file, off, err)
	if resume {
		door.Resume(id)
	}
	return more
}

// append writes the chunks that have room to the end of the reply's file, in one call, and returns
// where.
func (s *spooler) append(r *reply, chunks []lateChunk) (file *spool, off int64, err error) {
	file = r.file // only the spooler sets it, and closing waits for writing to end
	var pieces [][]byte
	for i := range chunks {
		if b := chunks[i].bytes; chunks[i].reserved && len(b) > 0 {
			pieces = append(pieces, b)
		}
	}
	if len(pieces) == 0 {
		return file, 0, nil
	}
	if file == nil {
		if file, err = openSpool(r.front().options.SpoolDir, r.front().options.Spool); err != nil {
			return nil, 0, err
		}
	}
	off, err = file.writeReserved(pieces)
	return file, off, err
}
