package http1

// Bounds of the chunked coding's own bytes.
const (
	maxSizeDigits = 16
	maxChunk      = 1 << 62
	maxChunkLine  = 4 << 10 // one line with its extensions
	maxOverhead   = 16 << 10
	maxTrailer    = 8 << 10
)

type chunkPlace uint8

const (
	chunkSize chunkPlace = iota
	chunkExtension
	chunkSizeLF
	chunkData
	chunkDataCR
	chunkDataLF
	trailerStart
	trailerName
	trailerValue
	trailerLF
	endLF
	chunkedDone
)

// Chunked decodes the chunked transfer coding (RFC 9112 section 7.1), strictly: lines end with CRLF,
// sizes are bare hexadecimal digits, extensions are bounded and ignored, trailer fields are bounded,
// checked and dropped. The zero value is ready for a body.
type Chunked struct {
	place    chunkPlace
	verdict  Verdict
	digits   int
	left     uint64 // of the chunk
	size     uint64
	line     int // bytes of the size line
	overhead int // bytes that were neither data nor in proportion to it
	trailer  int
}

// Decode consumes n bytes of in, of which data (a part of in) is body. It returns after each run of
// data with More, so it is called until the verdict is another or nothing is left of in. With
// Complete, in[n:] belongs to what follows the body.
func (d *Chunked) Decode(in []byte) (data []byte, n int, v Verdict) {
	for n < len(in) && d.verdict == More {
		if d.place == chunkData {
			run := min(uint64(len(in)-n), d.left)
			data = in[n : n+int(run)]
			if d.left -= run; d.left == 0 {
				d.place = chunkDataCR
			}
			return data, n + int(run), More
		}
		d.verdict = d.step(in[n])
		n++
	}
	return nil, n, d.verdict
}

// Reset makes the decoder ready for another body.
func (d *Chunked) Reset() { *d = Chunked{} }

func (d *Chunked) step(c byte) Verdict {
	switch d.place {
	case chunkSize:
		return d.sizeByte(c)
	case chunkExtension:
		if d.line++; d.line > maxChunkLine {
			return ChunkLineTooLong
		}
		if c == '\r' {
			d.place = chunkSizeLF
		} else if classes[c]&isField == 0 {
			return badLineByte(c)
		}
	case chunkSizeLF:
		if c != '\n' {
			return BareCR
		}
		return d.beginChunk()
	case chunkDataCR:
		if c != '\r' {
			return BadChunkEnd
		}
		d.place = chunkDataLF
	case chunkDataLF:
		if c != '\n' {
			return BadChunkEnd
		}
		d.place, d.digits, d.size, d.line = chunkSize, 0, 0, 0
	default:
		return d.trailerByte(c)
	}
	return More
}

func (d *Chunked) sizeByte(c byte) Verdict {
	d.line++
	if h := unhex(c); h < 16 {
		if d.digits++; d.digits > maxSizeDigits {
			return ChunkTooLong
		}
		d.size = d.size<<4 | uint64(h)
		return More
	}
	switch {
	case d.digits == 0:
		return BadChunkSize
	case c == '\r':
		d.place = chunkSizeLF
	case c == ';': // no space before it: "5 " is what other parsers disagree about
		d.place = chunkExtension
	case c == '\n':
		return BareLF
	default:
		return BadChunkSize
	}
	return More
}

func (d *Chunked) beginChunk() Verdict {
	if d.size > maxChunk {
		return ChunkTooLong
	}
	// A flood of tiny chunks with long lines costs more than it carries. As in Go's net/http, 16 bytes
	// a line and twice the data are free.
	d.overhead += d.line + 2 - 16 - int(min(2*d.size, maxOverhead+maxChunkLine))
	d.overhead = max(d.overhead, 0)
	if d.overhead > maxOverhead {
		return ChunkLineTooLong
	}
	d.left = d.size
	d.place = chunkData
	if d.size == 0 {
		d.place = trailerStart
	}
	return More
}

func (d *Chunked) trailerByte(c byte) Verdict {
	if d.trailer++; d.trailer > maxTrailer {
		return TrailerTooLong
	}
	switch d.place {
	case trailerStart:
		if c == '\r' {
			d.place = endLF
			return More
		}
		if classes[c]&isToken == 0 {
			return badLineByte(c)
		}
		d.place = trailerName
	case trailerName:
		if c == ':' {
			d.place = trailerValue
		} else if classes[c]&isToken == 0 {
			return badLineByte(c)
		}
	case trailerValue:
		if c == '\r' {
			d.place = trailerLF
		} else if classes[c]&isField == 0 {
			return badLineByte(c)
		}
	case trailerLF:
		if c != '\n' {
			return BareCR
		}
		d.place = trailerStart
	case endLF:
		if c != '\n' {
			return BareCR
		}
		d.place = chunkedDone
		return Complete
	}
	return More
}

// badLineByte is the verdict on a byte that may not stand in a line of the coding.
func badLineByte(c byte) Verdict {
	switch {
	case c == '\n':
		return BareLF
	case c == '\r':
		return BareCR
	case c < ' ' && c != '\t' || c == 0x7f:
		return ControlByte
	}
	return BadTrailer
}
