package alb

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"
)

// warnEvery is how often the balancer complains of what it lacks itself.
const warnEvery = 10 * time.Second

// warn tells the operator, not more often than every ten seconds. last is when, on the clock; 0: never.
func (b *Balancer) warn(last *atomic.Int64, text string) {
	now := b.clock()
	before := last.Load()
	if before != 0 && now-before < int64(warnEvery) || !last.CompareAndSwap(before, now) {
		return
	}
	fmt.Fprintln(b.o.Warnings, "fender: warning: "+text)
}

// own are the errors of connecting that say nothing about the target.
var own = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL}

// connectFailed warns when a connection failed for want of something of the balancer's own: the client's 502
// blames the target.
func (b *Balancer) connectFailed(target string, err error) {
	for _, e := range own {
		if errors.Is(err, e) {
			b.warn(&b.warnedOfConnecting, fmt.Sprintf("cannot connect to %s, for a reason on this side (its request is a 502 nevertheless): %v", target, err))
			return
		}
	}
}
