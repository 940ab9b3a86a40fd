package wire_test

import (
	"fender/internal/exchange"
	"fender/internal/workers/wire/wiretest"
)

// doubles are heads as wiretest writes them for a worker.
func doubles() map[string][]byte {
	return map[string][]byte{
		"hello":  wiretest.Hello(4711, 4, nil),
		"head":   wiretest.Head("200 OK", field("Content-Type", "text/html"), field("X-Latin", "\x80\xe9\xff")),
		"empty":  wiretest.Head("204 No Content"),
		"failed": wiretest.Failed(22, "no application: né"),
		"call":   wiretest.Call("log", "user", "x"),
	}
}

func field(name, value string) exchange.Field { return exchange.Field{Name: name, Value: value} }
