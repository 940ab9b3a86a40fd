// Package siege puts load on a web service and tells what became of every single request. It owns its
// connections (HTTP/1.1 on plain sockets and TLS, kept, no request is ever sent twice), the two models
// of load (closed: users that wait for their answers; open: arrivals that do not), the taxonomy of
// failures and the documents that results are saved as. It prints nothing and knows no command line.
package siege
