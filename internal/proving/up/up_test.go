package up

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

func TestAwait_AsksUntilTheAnswerIs200(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	if err := Await(t.Context(), server.URL, nil); err != nil || asked.Load() != 3 {
		t.Errorf("%v after %d requests", err, asked.Load())
	}
}

func TestAwait_EndsWithTheServerAndWithItsContext(t *testing.T) {
	address, err := Address()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	close(ended)
	if err := Await(t.Context(), "http://"+address, ended); !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
	why := errors.New("somebody had enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := Await(ctx, "http://"+address, nil); !errors.Is(err, why) {
		t.Error(err)
	}
}

func TestAddress_IsFree(t *testing.T) {
	address, err := Address()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if port := l.Addr().(*net.TCPAddr).Port; port < lowest || port >= lowest+ports {
		t.Errorf("%s may become an outgoing connection's", address)
	}
}
