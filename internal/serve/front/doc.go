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
// All connections belong to one loop (package loop), which may be shared with other rooms. A connection
// is a small machine: its phase says what it waits for, and when that has come it goes on as far as it
// can without waiting (conn.step). It reads a head (package http1 judges the bytes), reads the body into
// memory or a spool file, submits the request and waits. The workshop fills the request's reply (type
// reply: its methods may be called from any goroutine, and block none) and the connection writes what
// there is. Requests that a client sends ahead stay in the socket: answers go in order, one request at a
// time.
//
// In the steady state a request is one read and one write. What a connection is watched for does not
// change while a request is dealt with; only a client that sends more meanwhile, or leaves, or does not
// take its answer at once costs a further system call.
//
// An idle connection holds no buffer: the buffer is fetched when there is something to read. Buffers for
// writing are the front's and borrowed for the time of one output.
//
// # Disks
//
// The loop waits for no disk. Whatever touches a file (a body on its way to the spool, a file of an answer,
// the last close of either) is done by a helper (loop.Helpers), of which there is a bounded number. While
// a helper works for a connection the connection does nothing else (conn.busy); it tells the loop by a
// letter when it is done. What overflows of an answer is written by the spooler, in the same way.
//
// # Bounds
//
// What waits is within two budgets, of memory and of the spool: heads above the first size of an inbox,
// bodies, answers. What is only passed on has a buffer while there is something to pass on. The number of
// connections is bounded by Options.Connections, so that descriptors are left for others. In one turn a
// connection makes a bounded number of steps.
//
// # Noticing that a client left
//
// While a request waits, its connection is not read: that would swallow requests that were sent ahead.
// The loop reports EPOLLRDHUP all the same. A client that has shut down its sending side while it waits
// counts as gone, as it does in NGINX and in Go's net/http: a client that is killed looks exactly like
// that. What TCP cannot show stays unseen: the end of a client that has sent more ahead than the socket's
// buffers hold is behind bytes that nobody reads yet.
//
// # Times
//
// Reading and writing are timed by progress, never in total: a pause longer than the timeout ends
// them. So that one byte a minute cannot hold a connection for ever, a message must also keep up
// Options.MinRate on average once the timeout has passed for the first time (type pace). An idle
// connection is closed only after Options.Keepalive. Deadlines are moved lazily (type timer): a
// connection that is in use moves none.
//
// # Closing
//
// Every close of ours is lingering: the sending side is shut down and what still comes is discarded
// until the client closes too, because closing a socket with unread bytes resets the connection, and
// a reset can destroy an answer that was already delivered. The one reset that is sent on purpose
// ends an incomplete answer whose only end mark is the end of the connection.
package front
