// Package http1 is HTTP/1.1 as bytes: a parser for request heads, a decoder for chunked bodies and
// the few functions that write a response (RFC 9110, RFC 9112).
//
// It is pure: bytes go in, values come out. It reads no socket, keeps no time and allocates nothing
// per request (a Parser is reused), so that it can serve a goroutine per connection as well as an
// epoll loop. It owns no state beyond the one message that it is looking at.
//
// It is strict on purpose. Two parsers that read one message differently are how requests are
// smuggled past a balancer, so everything that RFC 9112 leaves to the recipient's kindness (bare LF,
// folded fields, space before a colon, Content-Length beside Transfer-Encoding, repeated lengths)
// is refused. Each refusal is a Verdict of its own with a status and a sentence.
//
// A test compares it with Go's net/http; docs/http.md has the differences.
//
// It does not decide what happens to a connection; package front does.
package http1
