package workers

import (
	"strconv"
	"time"

	"fender/internal/workers/wire"
)

// maxExtend bounds what one call may add to a request's time.
const maxExtend = 24 * time.Hour

// call answers what an application asks of the master. A call is the application's, so nothing in
// it dooms the worker but data that does not decode. It closes file.
func (e *slotEnd) call(now time.Duration, f *wire.Frame, file int, lost error) error {
	if lost != nil {
		return e.reply(f, false, wire.Text(lost.Error()))
	}
	head, err := e.m.w.headOf(f, file)
	if err != nil {
		return err
	}
	c, err := wire.DecodeCall(head)
	if err != nil {
		return err
	}
	w, m := e.m.w, e.m
	w.pool.Called(m.spawn)
	owed, is := m.sockets.Owed(e.index)
	current := is && owed.ID == f.ID && owed.Seq == f.Seq
	switch c.Name {
	case "extend":
		d, ok := seconds(c.Args)
		if !ok {
			return e.reply(f, false, wire.Text("extend takes a number of seconds above 0"))
		}
		if current {
			w.pool.Extend(now, m.spawn, e.index, d)
		}
		return e.reply(f, true, wire.None())
	case "logvar":
		name, value, ok := twoTexts(c.Args)
		if !ok {
			return e.reply(f, false, wire.Text("logvar takes a name and a value, both str"))
		}
		// Without a flight its request has had its last word.
		if fl := w.flights[f.ID]; current && fl != nil && fl.to == m && fl.slot == e.index {
			if why := fl.setVar(name, value); why != "" {
				return e.reply(f, false, wire.Text(why))
			}
		}
		return e.reply(f, true, wire.None())
	}
	return e.reply(f, false, wire.Text("unknown call"))
}

// seconds reads the argument of extend: an int, or a str such as "1.5".
func seconds(args []wire.Value) (time.Duration, bool) {
	if len(args) != 1 {
		return 0, false
	}
	if n, ok := args[0].AsInt(); ok && n > 0 {
		return min(time.Duration(n)*time.Second, maxExtend), true
	}
	if s, ok := args[0].AsText(); ok {
		if x, err := strconv.ParseFloat(s, 64); err == nil && x > 0 && x <= maxExtend.Seconds() {
			return time.Duration(x * float64(time.Second)), true
		}
	}
	return 0, false
}

func twoTexts(args []wire.Value) (a, b string, ok bool) {
	if len(args) != 2 {
		return "", "", false
	}
	a, first := args[0].AsText()
	b, second := args[1].AsText()
	return a, b, first && second
}

// reply sends the result of a call. A worker that calls and never reads the results has filled its
// socket: that is a breach of the protocol.
func (e *slotEnd) reply(f *wire.Frame, ok bool, value wire.Value) error {
	if e.m.dead {
		return nil
	}
	return e.m.w.out.Return(e.m.sockets, e.index, f.ID, f.Seq, ok, value)
}
