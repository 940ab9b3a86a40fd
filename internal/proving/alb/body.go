package alb

import "fender/internal/proving/alb/message"

// body follows the body of a request as it travels.
type body struct {
	chunked bool
	left    int64
	chunks  message.Chunked
}

func (b *body) reset(r *message.Request) {
	*b = body{chunked: r.Chunked, left: max(r.Length, 0)}
}

// pending says that more of it is to come.
func (b *body) pending() bool {
	if b.chunked {
		return !b.chunks.Done()
	}
	return b.left > 0
}

// broken says that it is not what its head said.
func (b *body) broken() bool { return b.chunked && b.chunks.Broken() }

// take is how many bytes at the beginning of p are part of it.
func (b *body) take(p []byte) int {
	if b.chunked {
		return b.chunks.Skip(p)
	}
	n := min(int64(len(p)), b.left)
	b.left -= n
	return int(n)
}
