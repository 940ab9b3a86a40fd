package desync

import (
	"strings"
	"testing"

	"fender/internal/proving/alb/message"
)

func TestClassify_FollowsTheGuardian(t *testing.T) {
	for _, c := range []struct {
		head  string
		class Class
		why   string
	}{
		{"GET / HTTP/1.1|Host: a", Compliant, "-"},
		{"POST / HTTP/1.1|Host: a|Content-Length: 3", Compliant, "-"},
		{"GET / HTTP/1.1|Host: a|Content-Length: 0", Acceptable, "GetHeadZeroContentLength"},
		{"GET / HTTP/1.1|Host: a|Content-Length: 1", Ambiguous, "UndefinedContentLengthSemantics"},
		{"HEAD / HTTP/1.1|Host: a|Transfer-Encoding: chunked", Ambiguous, "UndefinedTransferEncodingSemantics"},
		{"POST / HTTP/1.1|Content-Length: 3|Transfer-Encoding: chunked", Ambiguous, "BothTeClPresent"},
		{"POST / HTTP/1.1|Content-Length: 3|Content-Length: 3", Ambiguous, "DuplicateContentLength"},
		{"POST / HTTP/1.1|Content-Length: 3|Content-Length: 4", Severe, "MultipleContentLength"},
		{"POST / HTTP/1.1|Content-Length: 3,3", Severe, "BadContentLength"},
		{"POST / HTTP/1.1|Content-Length: 99999999999999999999", Severe, "BadContentLength"},
		{"POST / HTTP/1.1|Transfer-Encoding: chunked, chunked", Severe, "MultipleTransferEncodingChunked"},
		{"POST / HTTP/1.1|Transfer-Encoding: xchunked", Severe, "BadTransferEncoding"},
		{"POST / HTTP/1.1|Transfer-Encoding : chunked", Ambiguous, "SuspiciousHeader"},
		{"POST / HTTP/1.1|Transfer_Encoding: chunked", Ambiguous, "SuspiciousHeader"},
		{"POST / HTTP/1.1|Content_Length: 3", Ambiguous, "SuspiciousHeader"},
		{"GET / HTTP/1.1|: a", Ambiguous, "EmptyHeader"},
		{"GET / HTTP/1.1|A: b\x00", Severe, "BadHeader"},
		{"GET / HTTP/1.1|A: b\x01", Acceptable, "NonCompliantHeader"},
		{"GET / HTTP/1.1|A(: b", Acceptable, "NonCompliantHeader"},
		{"GET / HTTP/1.1|A: \xff", Compliant, "-"},
		{"G(T / HTTP/1.1|A: b", Severe, "BadMethod"},
		{"GET /a b HTTP/1.1|A: b", Acceptable, "SpaceInUri"},
		{"GET /a\x01 HTTP/1.1|A: b", Ambiguous, "AmbiguousUri"},
		{"GET /a\x00 HTTP/1.1|A: b", Severe, "BadUri"},
		{"GET / HTTP/1.9|A: b", Acceptable, "NonCompliantVersion"},
		{"GET /", Acceptable, "NonCompliantVersion"},
		{"GET / HTTP/1.x|A: b", Severe, "BadVersion"},
		{"POST / HTTP/1.0|Transfer-Encoding: chunked|Content-Length: 1|Content-Length: 2", Ambiguous, "UndefinedTransferEncodingSemantics"},
		{"POST / HTTP/1.1|A: b\x01|Content-Length: 3\x11", Severe, "BadContentLength"},
	} {
		var r message.Request
		r.Parse([]byte(strings.ReplaceAll(c.head, "|", "\r\n") + "\r\n\r\n"))
		if v := Classify(&r); v.Class != c.class || v.Reason != c.why {
			t.Errorf("%q: %v %s, want %v %s", c.head, v.Class, v.Reason, c.class, c.why)
		}
	}
}

func TestAction_FollowsTheTableOfModes(t *testing.T) {
	want := map[Mode][4]Action{
		Monitor:   {Allow, Allow, Allow, Allow},
		Defensive: {Allow, Allow, AllowAndClose, Block},
		Strictest: {Allow, Block, Block, Block},
	}
	for mode, actions := range want {
		for class, action := range actions {
			if got := mode.Action(Class(class)); got != action {
				t.Errorf("mode %d, class %v: %d, want %d", mode, Class(class), got, action)
			}
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		var r message.Request
		v := r.Parse(head)
		c := Classify(&r)
		if (c.Class == Compliant) != (c.Reason == "-") {
			t.Fatalf("%+v", c)
		}
		if v == message.OK && c.Class < Ambiguous && r.Chunked && r.Minor == 1 {
			for _, f := range r.Fields {
				if f.Known == message.ContentLength {
					t.Fatalf("two lengths and only %v %s", c.Class, c.Reason)
				}
			}
		}
	})
}
