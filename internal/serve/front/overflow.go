package front

// lateChunk is a piece of an answer that waits for the spooler, or behind pieces that do.
type lateChunk struct {
	part
	reserved bool // its room in the spool is reserved
}

// overflow is what a slow client leaves behind: chunks on their way to a spool file, and the file. The
// reply's mutex guards it; the file is written by the spooler alone, without the mutex.
type overflow struct {
	late     []lateChunk
	lateCost int64  // of late, and of what the spooler is writing
	writing  bool   // the spooler has the reply, or will
	file     *spool // nil until the spooler needs it
	unread   int64  // bytes in the file that were not sent yet
	broken   bool   // the file cannot be written: memory and waiting must do
	closed   bool   // the exchange is over
}

const (
	// maxLate is how much waits for a slow disk before the workshop is told to wait too.
	maxLate = 1 << 20
	// maxSpooledPart is how much of the file is sent before its space is given back.
	maxSpooledPart = 4 << 20
)

// spooling reports whether what comes now must go behind something that is not in parts yet.
func (r *reply) spooling() bool { return r.writing || len(r.late) > 0 }

// addLate queues p for the spool. Without room there it stays in memory, in its place, and the
// workshop is told to wait. r.mu is held.
func (r *reply) addLate(p part) {
	options := &r.front().options
	n := p.size()
	room := !r.broken && r.unread+r.lateCost+n <= options.answerSpool && options.Spool.Take(n)
	r.memory += p.cost()
	if !room && !r.spooling() {
		r.parts = append(r.parts, p)
		r.full, r.noRoom = true, true
		return
	}
	r.late = append(r.late, lateChunk{p, room})
	r.lateCost += p.cost()
	r.noRoom = r.noRoom || !room
	r.full = r.full || !room || r.lateCost > maxLate
	if !r.writing {
		r.writing = true
		r.front().spooler.add(r)
	}
}

// dropLate forgets what waits for the spooler. r.mu is held.
func (r *reply) dropLate() {
	for i := range r.late {
		chunk := &r.late[i]
		r.unreserve(chunk)
		r.lateCost -= chunk.cost()
		r.release([]part{chunk.part})
	}
	clear(r.late)
	r.late = r.late[:0]
}

// unreserve gives a chunk's room in the spool back.
func (r *reply) unreserve(chunk *lateChunk) {
	if chunk.reserved {
		chunk.reserved = false
		r.front().options.Spool.Give(chunk.size())
	}
}

// forSpool takes the next chunks away from late. Those without room in the spool, and files of the
// application, come along: the spooler only passes them on, in their place.
func (r *reply) forSpool() []lateChunk {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, size := 0, int64(0)
	for n < len(r.late) && size < spoolBatch {
		size += r.late[n].cost()
		n++
	}
	chunks := append([]lateChunk(nil), r.late[:n]...)
	rest := copy(r.late, r.late[n:])
	clear(r.late[rest:])
	r.late = r.late[:rest]
	return chunks
}

// spooled takes over what became of chunks: those with room in the spool are written there from offset
// off, unless err says why not. It reports whether there are more, and whether the workshop, told to
// wait, may go on.
func (r *reply) spooled(chunks []lateChunk, file *spool, off int64, err error) (more, resume bool) {
	r.mu.Lock()
	defer r.conn.signal()
	defer r.mu.Unlock()
	r.file = file
	for i := range chunks {
		chunk := &chunks[i]
		n := chunk.size()
		r.lateCost -= chunk.cost()
		if chunk.reserved && err == nil {
			file.taken += n // the room is the file's now
			r.release([]part{chunk.part})
			r.addSpooled(file, off, n)
			off += n
			continue
		}
		r.unreserve(chunk)
		if r.dropped {
			r.release([]part{chunk.part})
		} else {
			r.parts = append(r.parts, chunk.part)
		}
	}
	r.broken = r.broken || err != nil
	if r.writing = len(r.late) > 0; !r.writing {
		r.closeFile()
	}
	return r.writing, r.resumes()
}

// addSpooled makes n bytes of the file readable. r.mu is held.
func (r *reply) addSpooled(file *spool, off, n int64) {
	if r.dropped {
		return
	}
	r.unread += n
	if last := len(r.parts) - 1; last >= 0 {
		if p := &r.parts[last]; p.spooled && p.off+p.n == off && p.n+n <= maxSpooledPart {
			p.n += n
			return
		}
	}
	r.parts = append(r.parts, part{file: file.file, off: off, n: n, spooled: true})
}

// closeOverflow gives everything back, the file now or when the spooler lets go of it.
func (r *reply) closeOverflow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.dropLate()
	r.closeFile()
}

// closeFile closes the file if nobody needs it any more. r.mu is held.
func (r *reply) closeFile() {
	if r.closed && !r.writing && r.file != nil {
		r.file.release()
		r.front().closeFile(r.file.file)
		r.file = nil
	}
}
