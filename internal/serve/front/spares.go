package front

// spares keeps what one request has used for the next one, up to most. The loop alone uses it, so that in
// the steady state a request allocates nothing. What was used last is used first: it is in the
// processor's cache.
type spares[T any] struct {
	most int
	list []T
}

// take returns a spare one, or false.
func (s *spares[T]) take() (x T, ok bool) {
	last := len(s.list) - 1
	if last < 0 {
		return x, false
	}
	var none T
	x, s.list[last] = s.list[last], none
	s.list = s.list[:last]
	return x, true
}

// keep keeps x if there is room.
func (s *spares[T]) keep(x T) {
	if len(s.list) < s.most {
		s.list = append(s.list, x)
	}
}
