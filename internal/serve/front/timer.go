package front

import "time"

// timer is the one deadline of a connection or of a listening socket. It is moved lazily: a later deadline
// only changes due, and the heap is put in order when the earlier one has come. So a connection in
// steady use moves nothing.
type timer struct {
	due   time.Time // zero: none
	key   time.Time // what it is sorted by, not after due
	index int       // in the heap, counted from 1; 0: not there
	owner interface{ expired() }
}

// timers is a heap of them, by key.
type timers struct{ heap []*timer }

// set moves the deadline.
func (h *timers) set(t *timer, due time.Time) {
	t.due = due
	switch {
	case t.index == 0:
		t.key = due
		h.heap = append(h.heap, t)
		t.index = len(h.heap)
		h.up(t.index)
	case due.Before(t.key):
		t.key = due
		h.up(t.index)
	}
}

// clear takes the deadline away. The timer stays in the heap until its key has come.
func (t *timer) clear() { t.due = time.Time{} }

// remove takes the timer out of the heap.
func (h *timers) remove(t *timer) {
	t.clear()
	if t.index == 0 {
		return
	}
	i, last := t.index, len(h.heap)
	h.swap(i, last)
	h.heap[last-1] = nil
	h.heap = h.heap[:last-1]
	t.index = 0
	if i < last {
		h.up(i)
		h.down(i)
	}
}

// next is when the heap has to be looked at.
func (h *timers) next() (time.Time, bool) {
	if len(h.heap) == 0 {
		return time.Time{}, false
	}
	return h.heap[0].key, true
}

// expired takes out a timer whose deadline has come, or returns nil.
func (h *timers) expired(now time.Time) *timer {
	for len(h.heap) > 0 && !h.heap[0].key.After(now) {
		t := h.heap[0]
		if t.due.After(now) { // it was moved
			t.key = t.due
			h.down(1)
			continue
		}
		due := t.due
		h.remove(t)
		if !due.IsZero() {
			return t
		}
	}
	return nil
}

func (h *timers) swap(i, j int) {
	h.heap[i-1], h.heap[j-1] = h.heap[j-1], h.heap[i-1]
	h.heap[i-1].index, h.heap[j-1].index = i, j
}

func (h *timers) less(i, j int) bool { return h.heap[i-1].key.Before(h.heap[j-1].key) }

func (h *timers) up(i int) {
	for i > 1 && h.less(i, i/2) {
		h.swap(i, i/2)
		i /= 2
	}
}

func (h *timers) down(i int) {
	for {
		least := i
		for _, child := range [2]int{2 * i, 2*i + 1} {
			if child <= len(h.heap) && h.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}
