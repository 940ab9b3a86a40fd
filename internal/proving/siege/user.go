package siege

import (
	"math/rand/v2"
	"time"
)

// user asks for one thing after the other on its own connection. It is the visitor of the closed
// model, and one connection of the open one.
type user struct {
	run    *run
	number int
	conn   conn
	rand   *rand.Rand
	out    outcome
	sample sample
	at     int // of the list of requests
}

func (r *run) newUser(number, of int) *user {
	u := &user{run: r, number: number, rand: rand.New(rand.NewPCG(r.opts.Seed, uint64(number)))}
	u.conn.dial = r.dialer
	if !r.opts.Once { // each begins elsewhere in the list, as in siege
		u.at = number * (len(r.opts.Requests) / max(of, 1)) % len(r.opts.Requests)
	}
	return u
}

// live is the life of a visitor: until its repetitions are done, which it says, or the phase wants
// fewer users.
func (u *user) live() (finished bool) {
	defer u.conn.drop()
	limit := u.run.opts.Reps
	if u.run.opts.Once {
		limit = len(u.run.opts.Requests)
	}
	for n := 0; limit == 0 || n < limit; n++ {
		if n > 0 && !u.pause(u.delay()) || int64(u.number) >= u.run.want.Load() {
			return false
		}
		if !u.turn(u.next(), time.Now()) {
			return false
		}
		if u.out.kind == Refused || u.out.kind == Unreachable { // nobody is there: no storm of attempts
			if !u.pause(connectPause) {
				return false
			}
		}
	}
	return true
}

// turn makes one request that should have begun at the time given, and counts it. It says false when
// the run was ended meanwhile.
func (u *user) turn(q *Request, begin time.Time) bool {
	r := u.run
	r.counts.inFlight.up()
	u.out = u.conn.do(r.hard, q, &r.opts.Expect, time.Now().Add(r.opts.Timeout))
	r.counts.inFlight.down()
	if u.out.err != nil && (u.out.err == ErrDescriptors || r.registry.isCut()) { //nolint:errorlint // it is never wrapped
		if u.out.err == ErrDescriptors { //nolint:errorlint // it is never wrapped
			r.fail(ErrDescriptors)
		}
		r.counts.left.Add(1)
		return false
	}
	u.count(q, begin)
	return true
}

func (u *user) count(q *Request, begin time.Time) {
	end := u.out.end
	u.sample = sample{q: q, out: &u.out, end: end, took: end.Sub(begin), body: u.conn.body, received: u.conn.received}
	u.run.tally.add(u.number, &u.sample)
	if each := u.run.opts.Each; each != nil {
		t := Transaction{Request: q, Kind: u.out.kind, Status: u.out.status, Took: u.sample.took, Body: u.conn.body}
		if u.out.err != nil {
			t.Why = seen(&u.out)
		}
		each(t)
	}
}

func (u *user) next() *Request {
	all := u.run.opts.Requests
	if u.run.opts.Random {
		return all[u.rand.IntN(len(all))]
	}
	q := all[u.at]
	if u.at++; u.at == len(all) {
		u.at = 0
	}
	return q
}

// delay is siege's: anything up to --delay.
func (u *user) delay() time.Duration {
	if d := u.run.opts.Delay; d > 0 {
		return time.Duration(u.rand.Int64N(int64(d)))
	}
	return 0
}

// pause waits, and says false when there is no more to be done.
func (u *user) pause(d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		wanted, change := u.run.crowd.look(u.number)
		if !wanted {
			return false
		}
		select {
		case <-timer.C:
			return true
		case <-change:
		}
	}
}
