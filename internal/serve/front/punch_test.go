package front

import (
	"bytes"
	"testing"
)

// What was sent from the spool is on its way for a while: in the socket's queue, and on this machine in
// the client's too. The hole that is made in the file behind it must not be seen there. Parts that end
// within a page of memory show it: the rest of the page stays in the file, zeroed.
func TestSpool_HolesAreNotSeenByTheClient(t *testing.T) {
	const pieces, size = 150, 40_003
	all := make(chan struct{})
	s := serve(t, Options{}, func(j *job) {
		j.start(200, pieces*size)
		for i := range pieces {
			if !j.write(bytes.Repeat([]byte{'a' + byte(i%26)}, size)) {
				wait(t, "the resumption", j.resumed)
			}
		}
		close(all)
		j.end()
	})
	c := s.dial()
	c.send(get("/"))
	wait(t, "the whole answer to be buffered", all)
	got := c.receive("GET")
	if len(got.body) != pieces*size || got.err != nil {
		t.Fatalf("%d bytes, %v", len(got.body), got.err)
	}
	for i := range len(got.body) {
		if want := 'a' + byte(i/size%26); got.body[i] != want {
			t.Fatalf("byte %d is %q, not %q", i, got.body[i], want)
		}
	}
}
