package spelling

import (
	"testing"

	"pgregory.net/rapid"
)

func TestDistance_CountsLetters(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"serve", "serve", 0}, {"", "abc", 3}, {"serv", "serve", 1}, {"servee", "serve", 1},
		{"sorve", "serve", 1}, {"sevre", "serve", 1}, {"processes", "proceses", 1}, {"ca", "abc", 3}, {"lab", "alb", 1},
	} {
		if got := Distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, not %d", c.a, c.b, got, c.want)
		}
	}
}

func TestDistance_IsTheSameBothWaysAndNoMoreThanTheLongerWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.StringMatching(`[a-c]{0,8}`).Draw(t, "a"), rapid.StringMatching(`[a-c]{0,8}`).Draw(t, "b")
		d := Distance(a, b)
		if d != Distance(b, a) || d > max(len(a), len(b)) || d < max(len(a)-len(b), len(b)-len(a)) || (d == 0) != (a == b) {
			t.Fatalf("%q to %q: %d", a, b, d)
		}
	})
}
