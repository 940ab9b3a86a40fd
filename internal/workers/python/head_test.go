package python

import (
	"strings"
	"testing"
)

func TestHead_ABadOneIsA500ThatNamesTheHeader(t *testing.T) {
	cases := map[string]string{ // arguments of start_response: what the log says
		`(200, [])`:                                      "the status is int, not str",
		`(b"200 OK", [])`:                                "the status is bytes, not str",
		`(None, [])`:                                     "the status is None, not str",
		`("20 OK", [])`:                                  "three digits from 200 to 599",
		`("100 Continue", [])`:                           "three digits from 200 to 599",
		`("600 No", [])`:                                 "three digits from 200 to 599",
		`("200 OK\r\nX-Evil: 1", [])`:                    "three digits",
		`("200 \u20ac", [])`:                             "three digits",
		`("200OK", [])`:                                  "three digits",
		`("200 OK", ())`:                                 "the headers are tuple, not a list",
		`("200 OK", {"A": "b"})`:                         "the headers are dict, not a list",
		`("200 OK", None)`:                               "the headers are None, not a list",
		`("200 OK", [["A", "b"]])`:                       "['A', 'b'] is not a tuple (name, value)",
		`("200 OK", [("A", "b", "c")])`:                  "is not a tuple (name, value)",
		`("200 OK", ["Ab"])`:                             "'Ab' is not a tuple (name, value)",
		`("200 OK", [("Content-Length", 7)])`:            "the value of the header Content-Length is int, not str: 7",
		`("200 OK", [("X-B", b"v")])`:                    "the value of the header X-B is bytes, not str",
		`("200 OK", [("X-N", None)])`:                    "the value of the header X-N is None, not str",
		`("200 OK", [(b"X-Y", "v")])`:                    "is bytes, not str",
		`("200 OK", [("X Y", "v")])`:                     "'X Y' is not a header name",
		`("200 OK", [("X:", "v")])`:                      "'X:' is not a header name",
		`("200 OK", [("", "v")])`:                        "'' is not a header name",
		`("200 OK", [("X\u00e9", "v")])`:                 "is not a header name",
		`("200 OK", [("X-Line", "a\r\nSet-Cookie: b")])`: "the value of the header X-Line holds the control character '\\r'",
		`("200 OK", [("X-Feed", "a\nb")])`:               "X-Feed holds the control character '\\n'",
		`("200 OK", [("X-Nul", "a\0b")])`:                "X-Nul holds the control character '\\x00'",
		`("200 OK", [("X-Del", "a\x7fb")])`:              "X-Del holds the control character '\\x7f'",
		`("200 OK", [("X-Euro", "\u20ac")])`:             "X-Euro holds U+20AC, which no header can hold",
		`("200 OK", [("X-Half", "\ud800")])`:             "X-Half holds U+D800",
		`("200 OK", [("Connection", "close")])`:          "the header Connection speaks about the connection",
		`("200 OK", [("Keep-alive", "5")])`:              "Keep-alive speaks about the connection",
		`("200 OK", [("Transfer-Encoding", "chunked")])`: "Transfer-Encoding speaks about the connection",
		`("200 OK", [("TE", "x")])`:                      "TE speaks about the connection",
		`("200 OK", [("Upgrade", "x")])`:                 "Upgrade speaks about the connection",
	}
	eachPython(t, func(t *testing.T, python string) {
		r := start(t, python, testBoot("basic"))
		w := r.ready()
		for arguments, says := range cases {
			env := environ("GET", "/bad_head")
			env["QUERY_STRING"] = arguments
			w.send(0, env, nil)
			a := w.answer(0)
			if a.status != "500 Internal Server Error" || a.flags&flagError == 0 {
				t.Errorf("%s: %+v", arguments, a)
			}
			r.stderr.waitFor(t, says)
		}
	})
}

func TestHead_AGoodOneArrivesAsItIs(t *testing.T) {
	cases := map[string]string{ // arguments: status and headers as they arrive
		`("200 OK", [])`:              "200 OK",
		`("200", [])`:                 "200 ",
		`("299 ", [])`:                "299 ",
		`("404 caf\u00e9 fermé", [])`: "404 caf\u00e9 ferm\u00e9",
		`("200 OK", [("X-Latin", "\u00a0\u00ff"), ("x-tab", "a\tb"), ("X-Empty", "")])`: "200 OK|X-Latin=\u00a0\u00ff|x-tab=a\tb|X-Empty=",
		`("200 OK", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])`:                    "200 OK|Set-Cookie=a=1|Set-Cookie=b=2",
		`("200 OK", [("!#$%&'*+-.^_` + "`" + `|~", "token")])`:                          "200 OK|!#$%&'*+-.^_`|~=token",
	}
	eachPython(t, func(t *testing.T, python string) {
		w := start(t, python, testBoot("basic")).ready()
		for arguments, want := range cases {
			for range 2 { // the second time the names are known
				env := environ("GET", "/bad_head")
				env["QUERY_STRING"] = arguments
				w.send(0, env, nil)
				a := w.answer(0)
				got := []string{a.status}
				for _, f := range a.fields {
					got = append(got, f[0]+"="+f[1])
				}
				if strings.Join(got, "|") != want || string(a.body) != "sent" {
					t.Errorf("%s: got %q %q", arguments, got, a.body)
				}
			}
		}
	})
}

func TestHead_NamesMadeFromRequestsAreNotRememberedForEver(t *testing.T) {
	w := start(t, systemPython(t), testBoot("names_of_headers")).ready()
	a := w.get("/")
	if got := string(a.body); got != "512 64" {
		t.Errorf("remembered names and statuses: %s", got)
	}
}
