package http1

import "testing"

func TestAppendPath_DecodesAsUWSGIDoes(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{"/", "/"},
		{"", "/"},
		{"*", "*"},
		{"/a%20b", "/a b"},
		{"/a+b", "/a+b"},
		{"//a///b", "//a///b"},
		{"/a%2Fb%2f", "/a/b/"},
		{"/%00", "/\x00"},
		{"/%C3%A9/\xc3\xa9", "/\xc3\xa9/\xc3\xa9"},
		{"/100%%", "/100%"},
		{"/%zz/%4", "/%zz/%4"},
		{"/a#b", "/a"},
		{"/a/./b/.", "/a/b/"},
		{"/a/../b", "/b"},
		{"/a/b/..", "/a/"},
		{"/../../a", "/a"},
		{"/..", "/"},
		{"/a/%2e%2e/b", "/a/../b"},
		{"/a/..b/.c", "/a/..b/.c"},
		{"/a//../b", "/a/b"},
	} {
		if got := string(AppendPath([]byte("x"), []byte(c.raw))); got != "x"+c.want {
			t.Errorf("%q: got %q, want %q", c.raw, got[1:], c.want)
		}
	}
}
