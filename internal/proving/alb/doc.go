// Package alb is the data path of a local load balancer that behaves like AWS's Application Load
// Balancer: listeners, the connections of clients, the connections to targets, and the exchange of one
// request. It owns these connections and every status that the balancer makes itself. What a request
// is worth is in other rooms: message and desync read it, rule and group say where it goes, accesslog
// and metric keep what became of it.
//
// One goroutine per client connection reads requests and sends them to targets; one per target
// connection reads responses and writes them to the client. An exchange is the one request that the two
// have in common:
//
//	client ──head, body──> client goroutine ──> target connection
//	client <── target goroutine <──response── target connection
//
// Nothing is ever tried twice, no connection is opened before it is needed, and no request is sent to a
// target before the last one on that connection is answered.
package alb
