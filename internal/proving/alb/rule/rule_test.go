package rule

import (
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/cookie"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// request is GET of a URL such as host:port/path?query from 192.0.2.7, with header lines.
func request(url string, header ...string) *Request {
	host, rest, _ := strings.Cut(url, "/")
	path, query, _ := strings.Cut("/"+rest, "?")
	h := http.Header{}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return &Request{
		Method: "GET", Protocol: "http", Host: host, Port: 80, Path: path, Query: query,
		Header: h.Values, Source: netip.MustParseAddr("192.0.2.7"),
	}
}

func holds(t *testing.T, c config.Condition, r *Request) bool {
	t.Helper()
	table, err := Compile([]config.Rule{{Priority: 7, Conditions: []config.Condition{c},
		Action: config.Action{Fixed: &config.FixedResponse{Status: 200}}}}, config.Action{Fixed: &config.FixedResponse{Status: 404}})
	if err != nil {
		t.Fatal(err)
	}
	return table.Decide(r).Priority == "7"
}

func TestConditions_HoldAsAWSSays(t *testing.T) {
	values := func(f config.Field, v ...string) config.Condition { return config.Condition{Field: f, Values: v} }
	regex := func(f config.Field, v string) config.Condition {
		return config.Condition{Field: f, RegexValues: []string{v}}
	}
	header := func(name string, v ...string) config.Condition {
		return config.Condition{Field: config.HTTPHeader, HeaderName: name, Values: v}
	}
	query := func(key, value string) config.Condition {
		return config.Condition{Field: config.QueryString, Query: []config.QueryPair{{Key: key, Value: value}}}
	}
	post := request("a/")
	post.Method = "POST"
	mapped := request("a/")
	mapped.Source = netip.MustParseAddr("::ffff:192.0.2.7")
	v6 := request("a/")
	v6.Source = netip.MustParseAddr("2001:db8::5")
	for _, c := range []struct {
		condition config.Condition
		request   *Request
		want      bool
	}{
		{values(config.HostHeader, "example.com"), request("EXAMPLE.com:8080/"), true},
		{values(config.HostHeader, "*.example.com"), request("a.b.example.com/"), true},
		{values(config.HostHeader, "*.example.com"), request("example.com/"), false},
		{values(config.HostHeader, "test?.example.com"), request("test1.example.com/"), true},
		{values(config.HostHeader, "a", "b"), request("b/"), true},
		{values(config.HostHeader, "[::1]"), request("[::1]:80/"), true},
		{values(config.HostHeader, "[::1]"), request("[::1]/"), true},
		{regex(config.HostHeader, `^(www|m)\.example\.com$`), request("WWW.example.com:1/"), true},
		{values(config.PathPattern, "/img/*"), request("a/img/x/y.png?z"), true},
		{values(config.PathPattern, "/img/*"), request("a/IMG/x"), false},
		{values(config.PathPattern, "/img/*"), request("a/img"), false},
		{values(config.PathPattern, "/img*"), request("a/%69mg"), true},
		{values(config.PathPattern, "/secret/*"), request("a/public/../secret/x"), true},
		{values(config.PathPattern, "/a?c"), request("a/abc"), true},
		{values(config.PathPattern, "/a?c"), request("a/ac"), false},
		{regex(config.PathPattern, `^/v\d+/`), request("a/v12/x"), true},
		{regex(config.PathPattern, `^/v\d+/`), request("a/V12/x"), false},
		{header("User-Agent", "*Chrome*"), request("a/", "user-agent: like CHROME/1"), true},
		{header("User-Agent", "*Chrome*"), request("a/"), false},
		{header("X", "1"), request("a/", "X: 0", "X: 1"), true},
		{values(config.HTTPRequestMethod, "GET", "HEAD"), request("a/"), true},
		{values(config.HTTPRequestMethod, "GET", "HEAD"), post, false},
		{query("version", "v1"), request("a/?x=y&VERSION=V1"), true},
		{query("version", "v1"), request("a/?version=v2"), false},
		{query("", "*ample*"), request("a/?k=example"), true},
		{query("", "*"), request("a/"), false},
		{query("k", "*"), request("a/?k"), true},
		{query("k", `\*`), request("a/?k=*"), true},
		{query("k", `\*`), request("a/?k=x"), false},
		{values(config.SourceIP, "192.0.2.0/24"), request("a/", "X-Forwarded-For: 10.0.0.1"), true},
		{values(config.SourceIP, "192.0.2.9/24"), mapped, true},
		{values(config.SourceIP, "192.0.3.0/24"), request("a/", "X-Forwarded-For: 192.0.3.1"), false},
		{values(config.SourceIP, "2001:db8::/32"), v6, true},
		{values(config.SourceIP, "2001:db8::/32"), request("a/"), false},
	} {
		if got := holds(t, c.condition, c.request); got != c.want {
			t.Errorf("%+v of %s%s?%s: %v", c.condition, c.request.Host, c.request.Path, c.request.Query, got)
		}
	}
}

func TestDecide_TheLowestPriorityWhoseConditionsAllHold(t *testing.T) {
	path := config.Condition{Field: config.PathPattern, Values: []string{"/a*"}}
	host := config.Condition{Field: config.HostHeader, Values: []string{"h"}}
	forward := func(name string) config.Action {
		return config.Action{Forward: &config.Forward{Groups: []config.WeightedGroup{{TargetGroup: name, Weight: 1}}}}
	}
	table, err := Compile([]config.Rule{
		{Priority: 20, Conditions: []config.Condition{path}, Action: config.Action{Fixed: &config.FixedResponse{Status: 503, ContentType: "text/plain", Body: "x"}}},
		{Priority: 3, Conditions: []config.Condition{path, host}, Action: forward("both")},
	}, forward("web"))
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{"h/a": "3 forward both", "g/a": "20 fixed-response", "h/b": "0 forward web"} {
		d := table.Decide(request(url))
		got := d.Priority + " " + d.Actions
		if f, ok := d.Action.(*Forward); ok {
			got += " " + f.Choose(nil, time.Now(), 0).TargetGroup
		}
		if got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
	if diff := cmp.Diff(&Fixed{503, "text/plain", "x"}, table.Decide(request("g/a")).Action); diff != "" {
		t.Error(diff)
	}
}

func TestRedirect_FillsInWhatTheRequestHas(t *testing.T) {
	const protocol, host, port, path, query = "#{protocol}", "#{host}", "#{port}", "/#{path}", "#{query}"
	for _, c := range []struct {
		to   config.Redirect
		url  string
		want string
	}{
		{config.Redirect{Status: 301, Protocol: "HTTPS", Host: host, Port: "443", Path: path, Query: query},
			"example.com:80/a/b?c=d", "https://example.com:443/a/b?c=d"},
		{config.Redirect{Status: 302, Protocol: protocol, Host: "new." + host, Port: port, Path: "/x" + path + "/y", Query: "from=old&" + query},
			"a/p?q", "http://new.a:80/x/p/y?from=old&q"},
		{config.Redirect{Status: 302, Protocol: protocol, Host: host, Port: "81", Path: "/", Query: ""}, "a/p?q", "http://a:81/"},
		{config.Redirect{Status: 302, Protocol: protocol, Host: host, Port: "81", Path: path, Query: query}, "a/p\r\nX: é", "http://a:81/p%0D%0AX:%20%C3%A9"},
		{config.Redirect{Status: 302, Protocol: protocol, Host: host, Port: "81", Path: path, Query: query}, "a/#{host}?#{port}", "http://a:81/#{host}?#{port}"},
	} {
		table, err := Compile(nil, config.Action{Redirect: &c.to})
		if err != nil {
			t.Fatal(err)
		}
		d := table.Decide(request(c.url))
		if diff := cmp.Diff(Decision{&Redirect{c.to.Status, c.want}, "0", "redirect"}, d); diff != "" {
			t.Errorf("%s: %s", c.url, diff)
		}
	}
}

func TestRedirect_AURLAbove8KIs507(t *testing.T) {
	table, err := Compile(nil, config.Action{Redirect: &config.Redirect{Status: 301, Protocol: "HTTPS", Host: "#{host}", Port: "443", Path: "/#{path}"}})
	if err != nil {
		t.Fatal(err)
	}
	fits := maxLocation - len("https://a:443/")
	for n, want := range map[int]int{fits: 301, fits + 1: 507} {
		got := table.Decide(request("a/" + strings.Repeat("x", n))).Action.(*Redirect)
		if got.Status != want || (got.URL == "") != (want == 507) {
			t.Errorf("%d characters: %d, %d", n, got.Status, len(got.URL))
		}
	}
}

// TestPattern_MatchesLikeTheSameRegularExpression compares with another engine.
func TestPattern_MatchesLikeTheSameRegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[abA*?\\]{0,8}`).Draw(t, "pattern")
		subject := rapid.StringMatching(`[abA*\\]{0,10}`).Draw(t, "subject")
		fold := rapid.Bool().Draw(t, "fold")
		same := "(?s)^"
		if fold {
			same = "(?si)^"
		}
		for i := 0; i < len(text); i++ {
			switch c := text[i]; {
			case c == '*':
				same += ".*"
			case c == '?':
				same += "."
			case c == '\\' && i+1 < len(text) && strings.ContainsRune(`*?\`, rune(text[i+1])):
				i++
				same += regexp.QuoteMeta(text[i : i+1])
			default:
				same += regexp.QuoteMeta(string(c))
			}
		}
		want := regexp.MustCompile(same + "$").MatchString(subject)
		if got := newPattern(text, fold).match(subject); got != want {
			t.Fatalf("%q of %q (fold %v): %v, want %v", text, subject, fold, got, want)
		}
	})
}

func TestNormalize(t *testing.T) {
	for path, want := range map[string]string{
		"/a": "/a", "/%41%7e%2f%2F%": "/A~%2F%2F%", "/a/./b": "/a/b", "/a/../b": "/b", "/../..": "/", "/a/..": "/",
		"/a/.": "/a/", "/.a/..b": "/.a/..b", "/%2e%2E/x": "/x", "*": "*", "/a//b/..": "/a//",
	} {
		if got := normalize(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		path := "/" + rapid.StringMatching(`[a./%2eE5]{0,12}`).Draw(t, "path")
		once := normalize(path)
		if !strings.HasPrefix(once, "/") || strings.Contains(once+"/", "/../") || strings.Contains(once+"/", "/./") {
			t.Fatalf("%s is %s", path, once)
		}
	})
}

func forwardTo(sticky bool, groups ...config.WeightedGroup) *Forward {
	return newForward(&config.Forward{Groups: groups, Sticky: sticky, StickyTime: time.Hour})
}

func TestChoose_ByWeight(t *testing.T) {
	f := forwardTo(false, config.WeightedGroup{TargetGroup: "a", Weight: 1}, config.WeightedGroup{TargetGroup: "none", Weight: 0},
		config.WeightedGroup{TargetGroup: "b", Weight: 3})
	for random, want := range map[float64]string{0: "a", 0.2499: "a", 0.25: "b", 0.9999: "b"} {
		if got := f.Choose(nil, time.Now(), random); got.TargetGroup != want || got.SetCookies != nil {
			t.Errorf("%v: %+v", random, got)
		}
	}
	if got := forwardTo(true, config.WeightedGroup{TargetGroup: "a"}, config.WeightedGroup{TargetGroup: "b"}).Choose(nil, time.Now(), 0.5); got.TargetGroup != "" || got.SetCookies != nil {
		t.Errorf("all weights are 0: %+v", got)
	}
	if got := forwardTo(false, config.WeightedGroup{TargetGroup: "a", Weight: 0}).Choose(nil, time.Now(), 0.5); got.TargetGroup != "a" {
		t.Errorf("the only one: %+v", got)
	}
}

func TestChoose_TheCookieBindsUntilItsTimeIsOver(t *testing.T) {
	f := forwardTo(true, config.WeightedGroup{TargetGroup: "a", Weight: 1}, config.WeightedGroup{TargetGroup: "b", Weight: 1})
	now := time.Date(2026, 11, 25, 20, 0, 0, 0, time.UTC)
	first := f.Choose(nil, now, 0.9)
	if first.TargetGroup != "b" || len(first.SetCookies) != 2 || !strings.HasPrefix(first.SetCookies[0], "AWSALBTG=") ||
		!strings.HasPrefix(first.SetCookies[1], "AWSALBTGCORS=") {
		t.Fatalf("%+v", first)
	}
	sent, _, _ := strings.Cut(first.SetCookies[0], ";")
	for _, c := range []struct {
		cookies []string
		after   time.Duration
		want    string
		reason  string
	}{
		{[]string{sent}, time.Hour - time.Millisecond, "b", ""},
		{[]string{sent}, time.Hour, "a", ""},
		{[]string{"AWSALBTG=x%3D"}, 0, "a", "AWSALBTGCookieInvalid"},
		{[]string{"AWSALBTG=" + cookie.Seal("gone", now.Add(time.Hour))}, 0, "a", ""},
		{[]string{"AWSALBTG=" + cookie.Seal("a", now.Add(time.Hour)) + "; AWSALBTGCORS=" + cookie.Seal("b", now.Add(time.Hour))}, 0, "b", ""},
	} {
		got := f.Choose(c.cookies, now.Add(c.after), 0)
		if got.TargetGroup != c.want || got.ErrorReason != c.reason || len(got.SetCookies) != 2 {
			t.Errorf("%v after %v: %+v", c.cookies, c.after, got)
		}
	}
}

func TestCompile_RefusesWhatHasNoMeaning(t *testing.T) {
	good := config.Action{Fixed: &config.FixedResponse{Status: 200}}
	for _, c := range []config.Condition{{Field: "x"}, {Field: config.SourceIP, Values: []string{"x"}}, {Field: config.PathPattern, RegexValues: []string{"("}}} {
		if _, err := Compile([]config.Rule{{Priority: 1, Conditions: []config.Condition{c}, Action: good}}, good); err == nil {
			t.Errorf("%+v is compiled", c)
		}
	}
	if _, err := Compile(nil, config.Action{}); err == nil {
		t.Error("no default action is compiled")
	}
	if _, err := Compile([]config.Rule{{Priority: 1}}, good); err == nil {
		t.Error("a rule without an action is compiled")
	}
}
