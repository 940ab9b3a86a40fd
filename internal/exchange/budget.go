package exchange

import "sync/atomic"

// Budget bounds the bytes that requests and answers hold in one place (memory, or the spool).
// The zero Budget is empty: nothing fits.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget returns a budget of limit bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Take reserves n bytes and reports whether they were there.
func (b *Budget) Take(n int64) bool {
	for { // not added and taken back: between the two, those who ask for little would be refused too
		used := b.used.Load()
		if n > b.limit-used {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// Fits reports whether Take would succeed now.
func (b *Budget) Fits(n int64) bool { return n <= b.limit-b.used.Load() }

// Give returns n bytes that Take had reserved.
func (b *Budget) Give(n int64) { b.used.Add(-n) }

// Used is the number of bytes now reserved.
func (b *Budget) Used() int64 { return b.used.Load() }

// Limit is the number of bytes there are in all.
func (b *Budget) Limit() int64 { return b.limit }
