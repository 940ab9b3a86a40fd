package loop

import (
	"sync"
	"sync/atomic"
)

// Mailbox carries letters of one type from any goroutine to the loop's. Letters are small structs,
// kept in two slices that change places: in the steady state a Put is a lock and a copy, without
// allocation, and a system call only when the loop sleeps.
type Mailbox[T any] struct {
	loop   *Loop
	mu     sync.Mutex
	in     []T
	closed bool
	full   atomic.Bool // in is not empty
	out    []T
}

// NewMailbox makes a mailbox that wakes l.
func NewMailbox[T any](l *Loop) *Mailbox[T] { return &Mailbox[T]{loop: l} }

// Put adds a letter. It returns false after Close: the letter was not taken.
func (m *Mailbox[T]) Put(letter T) bool {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return false
	}
	m.in = append(m.in, letter)
	m.full.Store(true)
	m.mu.Unlock()
	m.loop.Wake()
	return true
}

// Pending reports whether there is something to take.
func (m *Mailbox[T]) Pending() bool { return m.full.Load() }

// Take returns the letters put since the last Take, in order. The slice is valid until the next
// Take. Only the loop's goroutine may call it.
func (m *Mailbox[T]) Take() []T {
	if !m.full.Load() {
		return nil
	}
	clear(m.out) // what a letter pointed to shall not stay alive
	m.mu.Lock()
	m.in, m.out = m.out[:0], m.in
	m.full.Store(false)
	m.mu.Unlock()
	return m.out
}

// Close refuses further letters and returns those that were not taken.
func (m *Mailbox[T]) Close() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.full.Store(false)
	rest := m.in
	m.in = nil
	return rest
}
