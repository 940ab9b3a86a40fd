package front

import "time"

// pace is the progress of one message in one direction. It says until when the next byte must have
// come. It is a value: no clock, no timer.
//
// A byte resets the patience; and from the first patience on, the message must have made rate bytes a
// second in all. A client that stalls is given up after patience, one that trickles after
// patience + bytes/rate, whatever it does.
type pace struct {
	patience time.Duration
	rate     int64 // bytes a second; 0 or less: no such bound
	began    time.Time
	last     time.Time
	bytes    int64
}

// newPace begins a message at now.
func newPace(patience time.Duration, rate int, now time.Time) pace {
	return pace{patience: patience, rate: int64(rate), began: now, last: now}
}

// progress notes n bytes at now.
func (p *pace) progress(n int, now time.Time) {
	p.bytes += int64(n)
	p.last = now
}

// until is the time at which the message is given up unless there is progress before.
func (p *pace) until() time.Time {
	t := p.last.Add(p.patience)
	if p.rate <= 0 {
		return t
	}
	earned := time.Duration(float64(p.bytes) / float64(p.rate) * float64(time.Second))
	if slow := p.began.Add(p.patience + earned); slow.Before(t) {
		return slow
	}
	return t
}
