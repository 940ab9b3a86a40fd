package http1

import "testing"

func TestAppendStatus_FillsInTheReason(t *testing.T) {
	for _, c := range []struct {
		status int
		reason string
		want   string
	}{
		{200, "", "HTTP/1.1 200 OK\r\n"},
		{200, "Fine", "HTTP/1.1 200 Fine\r\n"},
		{299, "", "HTTP/1.1 299 Status\r\n"},
	} {
		if got := string(AppendStatus(nil, c.status, c.reason)); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestSafeValue_RefusesWhatSplitsAResponse(t *testing.T) {
	for s, want := range map[string]bool{"": true, "a b\t\xe9": true, "a\r\nb": false, "a\nb": false, "a\x00": false, "\x7f": false} {
		if SafeValue(s) != want {
			t.Errorf("%q: got %v", s, !want)
		}
	}
	for s, want := range map[string]bool{"X-A": true, "": false, "X A": false, "X:": false, "X\r": false} {
		if SafeName(s) != want {
			t.Errorf("name %q: got %v", s, !want)
		}
	}
}

func TestFraming_NamesWhatOnlyTheFrontMaySay(t *testing.T) {
	for name, want := range map[string]bool{
		"Connection": true, "KEEP-ALIVE": true, "Transfer-Encoding": true, "Content-Length": true, "TE": true,
		"Trailer": true, "Upgrade": true, "Proxy-Connection": true, "Content-Type": false, "Date": false,
	} {
		if Framing(name) != want {
			t.Errorf("%s: got %v", name, !want)
		}
	}
}

func TestVerdicts_AllHaveANameAStatusAndASentence(t *testing.T) {
	seen := map[string]bool{}
	for v := More; v < verdicts; v++ {
		if v.String() == "" || v.Text() == "" || seen[v.String()] {
			t.Errorf("verdict %d: name %q, text %q", v, v.String(), v.Text())
		}
		seen[v.String()] = true
		if v.Refused() != (v.Status() >= 400) {
			t.Errorf("%v: refused %v, status %d", v, v.Refused(), v.Status())
		}
	}
}
