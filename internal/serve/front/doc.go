// Package front owns every connection of a client. It accepts, reads and checks requests, buffers
// them whole, hands them through exchange.Door to whoever answers them, and writes the answers. No
// worker ever touches a connection, so nothing that happens to a worker closes one.
//
// It owns: the listening sockets, the connections, the request and answer buffers with their spool
// files, and the exchange's log entry. It does not decide who answers, when a request is retried or
// when the server leaves (Plan.Decide is a pure function that the master asks).
//
// # One connection
//
// There is one goroutine for each connection. It reads a head (package http1 judges the bytes), reads
// the body into memory or a spool file, submits the request and waits; the workshop's loop fills the
// request's reply (type reply: it never blocks and never touches a disk) and wakes the goroutine,
// which writes. Requests that a client sends ahead stay in the socket: answers go in order, one
// request at a time.
//
// An idle connection holds no buffer: the buffer is fetched when there is something to read.
//
// # Bounds
//
// What waits is within two budgets, of memory and of the spool: heads above the first size of an inbox,
// bodies, answers. What is only passed on has a buffer while there is something to pass on. The number of
// connections is bounded by Options.Connections (type places), so that descriptors are left for others.
//
// # Noticing that a client left
//
// While a request waits, its goroutine waits for the answer and cannot read the socket as well, and
// reading would swallow requests that were sent ahead. So each connection is registered, once, with
// one epoll descriptor that asks for nothing but EPOLLRDHUP, edge-triggered (type watcher): no system
// call per request, no goroutine per connection, no byte read. A client that has shut down its
// sending side while it waits counts as gone, as it does in NGINX and in Go's net/http: a client that
// is killed looks exactly like that. What TCP cannot show stays unseen: the end of a client that has
// sent more ahead than the socket's buffers hold is behind bytes that nobody reads yet.
//
// # Times
//
// Reading and writing are timed by progress, never in total: a pause longer than the timeout ends
// them. So that one byte a minute cannot hold a connection for ever, a message must also keep up
// Options.MinRate on average once the timeout has passed for the first time (type pace). An idle
// connection is closed only after Options.Keepalive. Deadlines are armed lazily: a connection that is
// in use moves no timer.
//
// # Closing
//
// Every close of ours is lingering: the sending side is shut down and what still comes is discarded
// until the client closes too, because closing a socket with unread bytes resets the connection, and
// a reset can destroy an answer that was already delivered. The one reset that is sent on purpose
// ends an incomplete answer whose only end mark is the end of the connection.
package front
