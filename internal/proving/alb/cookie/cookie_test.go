package cookie

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestOpen_ReadsWhatSealMadeAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		until := time.UnixMilli(rapid.Int64Range(0, 1<<45).Draw(t, "until"))
		value := Seal(name, until)
		back, at, ok := Open(value)
		if !ok || back != name || !at.Equal(until) {
			t.Fatalf("%q opens as %q, %v, %v", value, back, at, ok)
		}
		if encoded := url.QueryEscape(value); encoded != value {
			if _, _, ok := Open(encoded); ok {
				t.Fatalf("the URL-encoded %q opens", encoded)
			}
		}
		i := rapid.IntRange(0, len(value)-1).Draw(t, "where")
		if broken := value[:i] + "A" + value[i+1:]; broken != value {
			if _, _, ok := Open(broken); ok {
				t.Fatalf("%q opens, which is not %q", broken, value)
			}
		}
		if _, _, ok := Open(rapid.String().Draw(t, "junk")); ok {
			t.Fatal("junk opens")
		}
	})
}

func TestFind_TakesTheFirstOfThatNameAndCORSBeforeThat(t *testing.T) {
	fields := []string{"a=1; AWSALB=x;b=2", "AWSALB=y; AWSALBCORS=z; c"}
	if v, ok := Find(fields, "AWSALB"); !ok || v != "x" {
		t.Errorf("found %q", v)
	}
	if v, ok := FindOwn(fields, "AWSALB"); !ok || v != "z" {
		t.Errorf("found %q", v)
	}
	if v, ok := FindOwn(fields[:1], "AWSALB"); !ok || v != "x" {
		t.Errorf("found %q", v)
	}
	for _, name := range []string{"c", "A", "awsalb"} {
		if v, ok := Find(fields, name); ok {
			t.Errorf("%s is found as %q", name, v)
		}
	}
}

func TestSetOwn_IsThePairThatAWSSends(t *testing.T) {
	now := time.Date(2026, 11, 25, 20, 0, 0, 0, time.UTC)
	got := SetOwn("AWSALB", "abc=", now)
	want := []string{
		"AWSALB=abc=; Expires=Wed, 02 Dec 2026 20:00:00 GMT; Path=/",
		"AWSALBCORS=abc=; Expires=Wed, 02 Dec 2026 20:00:00 GMT; Path=/; SameSite=None; Secure",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	response := http.Response{Header: http.Header{"Set-Cookie": got}}
	if cs := response.Cookies(); len(cs) != 2 || !strings.HasPrefix(cs[1].Name, "AWSALBCORS") || !cs[1].Secure {
		t.Errorf("a client reads %v", cs)
	}
}
