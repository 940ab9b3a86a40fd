package wire

import (
	"encoding/binary"
	"math"
)

// manners says what a worker's frame of one kind may look like.
type manners struct {
	flags Flags // those that may be set
	head  bool  // marshal data must be there, or must not
	own   bool  // belongs to no request: id 0
	turn  bool  // belongs to a slot's request: sequence not 0
}

var workerManners = map[Kind]manners{
	KindHello:   {head: true, own: true},
	KindFailed:  {head: true, own: true},
	KindIdle:    {turn: true},
	KindCall:    {head: true, flags: FlagHeadInDescriptor},
	KindRefused: {head: true},
}

// CheckFromWorker says what is wrong with a decoded frame if a worker sent it, together with so
// many descriptors: a kind that only the master sends, flags or parts that do not fit the kind, a
// missing head. Its error is a *DecodeError.
func (f *Frame) CheckFromWorker(descriptors int) error {
	if err := f.checkKind(); err != nil {
		return err
	}
	if want := f.Descriptors(); descriptors != want {
		return frameError(FaultFlags, "%v with %d descriptors, its flags 0x%x say %d",
			f.Kind, descriptors, uint16(f.Flags), want)
	}
	return nil
}

func (f *Frame) checkKind() error {
	if f.Kind == KindAnswer {
		return f.checkAnswer()
	}
	m, ok := workerManners[f.Kind]
	hasHead := len(f.Head) > 0 || f.Flags.Has(FlagHeadInDescriptor)
	switch {
	case !ok:
		return frameError(FaultKind, "%v, which a worker does not send", f.Kind)
	case f.Flags&^m.flags != 0:
		return frameError(FaultFlags, "%v with flags 0x%x", f.Kind, uint16(f.Flags))
	case hasHead != m.head:
		return frameError(FaultFlags, "%v, head present: %v", f.Kind, hasHead)
	case len(f.Body) > 0:
		return frameError(FaultFlags, "%v with a body", f.Kind)
	case f.Part != 0:
		return frameError(FaultFlags, "%v with part %d", f.Kind, f.Part)
	case m.own && f.ID != 0:
		return frameError(FaultFlags, "%v for request %d", f.Kind, f.ID)
	case m.turn && f.Seq == 0:
		return frameError(FaultFlags, "%v without a sequence", f.Kind)
	}
	return nil
}

func (f *Frame) checkAnswer() error {
	first := f.Part == 0
	switch {
	case f.ID == 0 || f.Seq == 0:
		return frameError(FaultFlags, "answer for request %d, sequence %d", f.ID, f.Seq)
	case first != f.Flags.Has(FlagHead):
		return frameError(FaultFlags, "answer part %d, head flag: %v", f.Part, !first)
	case first != (len(f.Head) > 0 || f.Flags.Has(FlagHeadInDescriptor)):
		return frameError(FaultFlags, "answer part %d, head present: %v", f.Part, !first)
	case f.Flags.Has(FlagError) && !first && !f.Flags.Has(FlagEnd):
		return frameError(FaultFlags, "answer part %d says error and goes on", f.Part)
	case f.Flags.Has(FlagClosing) && !f.Flags.Has(FlagEnd):
		return frameError(FaultFlags, "answer part %d says closing and goes on", f.Part)
	}
	return nil
}

// DecodeFileRange reads the body of an answer part with FlagFile: which bytes of the descriptor
// are meant. Whether the file has them is for its caller to look at. Its error is a *DecodeError.
func DecodeFileRange(body []byte) (offset, length int64, err error) {
	if len(body) != fileRangeSize {
		return 0, 0, frameError(FaultShort, "file range of %d bytes, not %d", len(body), fileRangeSize)
	}
	off, n := binary.LittleEndian.Uint64(body), binary.LittleEndian.Uint64(body[8:])
	if off > math.MaxInt64 || n > math.MaxInt64-off {
		return 0, 0, frameError(FaultValue, "file range from %d, %d bytes", off, n)
	}
	return int64(off), int64(n), nil
}
