package scenario

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEveryScenarioOfTheProjectIsUnderstood(t *testing.T) {
	paths, err := filepath.Glob("../../../../scenarios/*.scenario")
	if err != nil || len(paths) < 10 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(strings.TrimSuffix(filepath.Base(path), ".scenario"), text)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(s.About) == 0 {
			t.Errorf("%s explains nothing", s.Name)
		}
		if _, _, err := s.Scale(10); err != nil {
			t.Error(err)
		}
		for _, r := range s.Requests {
			if (s.Name == "crash" || s.Name == "chaos") && r.Method == http.MethodPost {
				t.Errorf("%s sends what must not be sent twice, and expects that it never fails", s.Name)
			}
		}
	}
}

// The README explains every word: a new one without its line there fails here.
func TestTheReadmeNamesEveryWord(t *testing.T) {
	text, err := os.ReadFile("../../../../scenarios/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range slices.Concat(keys(verbs), keys(known), keys(settings), keys(Measures), keys(comparisons), Actions, SlowKinds, Events) {
		if !strings.Contains(string(text), word) {
			t.Errorf("scenarios/README.md does not explain %q", word)
		}
	}
}

const good = `title T
request GET /a
phase "p" 5 users for 1s
needs born >= 1
expect failed = 0
`

func TestParse_SaysWhereAndWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"titel x", `x, line 6: "titel" begins no line: there are about, balancer, beside,`},
		{"title again", "x, line 6: title stands in line 1 already"},
		{"about", "about: the text is missing"},
		{"set proceses 3", `set: "proceses" is not an option: there are cheaper,`},
		{"set processes 0", `"0" is not the value: it is between 1 and 1000000`},
		{"set processes", "the value is missing"},
		{"set processes 3 4", `"4" is too much`},
		{"stacks", "the names of stacks are missing"},
		{"stacks a a", "a stands there twice"},
		{"instances 9", "between 1 and 8"},
		{"balancer speed 3", `"speed" is not a property of the balancer`},
		{"balancer fin-delay soon", `"soon" is no time`},
		{"balancer fin-delay 25h", `"25h" is no time between 1ms and 24h`},
		{"request PUT /", `"PUT" is not a method: there are GET, HEAD, POST`},
		{"request GET a", `"a" is no path`},
		{"request GET /a body 3", "GET has no body"},
		{"request POST /a body 3t", `"3t" is no size`},
		{"request POST /a body 9m", `"9m" is no size up to 8m`},
		{"request POST /a body 8m times 9", "the bodies of its requests are 72 MiB together"},
		{"title x\x1b[2J", `line 6: "\x1b[2J" cannot be printed`},
		{"about \u202e", `line 6: "\u202e" cannot be printed`},
		{"request GET /a?s={x}", `"x" is no time`},
		{"request GET /a?s={1s", "braces hold a time"},
		{"request GET /a?s=1s}", "a brace is closed that was not opened"},
		{"phase p 5 users for 1s", "the phase's name is missing, in quotes"},
		{`phase "p" 5 users for 1s`, `there are two phases "p"`},
		{`phase "q" 5 for 1s`, `"5" is no load`},
		{`phase "q" 0/s for 1s`, `"0/s" is no rate`},
		{`phase "q" 5 users`, "its end is missing"},
		{`phase "q" 5 users until dead`, "a number of them is missing"},
		{`phase "q" 5 users until lunch 1`, `"lunch" is not an event: there are born, dead`},
		{`phase "q" 5 users until dead 1`, "usually 30s at most 2m"},
		{`phase "q" 5 users until dead 1 usually 3s`, "its bound is missing"},
		{`phase "q" 5 users until dead 1 usually 3s at most 2s`, "is less than what it usually takes"},
		{`phase "q 5 users for 1s`, "the quote is never closed"},
		{`during "z" every 1s reload`, `names a phase that is not there, "z"`},
		{`during "p" every 1s dance`, "write one of: kill a worker, reload,"},
		{`during "p" reload`, "when is missing"},
		{`during "p" after 1s deploy`, "a deploy needs at least 2 instances"},
		{`during "p" every 1s crash`, `a crash needs the line "harm"`},
		{`beside "p" 3 birds /x`, "write one of: slow readers, slow writers"},
		{`beside "z" 3 slow readers /x`, "beside names a phase that is not there"},
		{"expect luck = 1", `"luck" is not what is measured`},
		{"expect failed ~ 1", `"~" is not a comparison`},
		{"expect failed = few", `"few" is no number`},
		{"expect p99 <= lots", `"lots" is no time`},
		{"expect availability >= 99", "availability is compared with a share"},
		{"expect born >= 1 %", "born is compared with a number"},
		{`expect failed in "z" = 0`, `there is no phase "z"`},
		{`expect kills in "p" = 0`, "kills is known of the whole run only"},
	} {
		s, err := Parse("x", []byte(good+c.line+"\n"))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %+v; want %q", c.line, err, s, c.want)
		}
	}
	for drop, want := range map[string]string{
		"title": "it has no title", "request": "no line says what is requested", "phase": "it has no phase",
		"needs": "a scenario without its fault shows nothing", "expect": "it expects nothing",
	} {
		var kept []string
		for _, line := range strings.Split(good, "\n") {
			if !strings.HasPrefix(line, drop) {
				kept = append(kept, line)
			}
		}
		if _, err := Parse("x", []byte(strings.Join(kept, "\n"))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: %v", drop, err)
		}
	}
}

func TestScale_DividesTimesAndSaysWhatItCouldNot(t *testing.T) {
	s, err := Parse("x", []byte(`title T
set cheaper-overload 30
set harakiri 65
set max-requests 200
balancer fin-delay 20ms
balancer propagation-lag 5s
request GET /slow?min={1s}&max={4s}&keep=1
phase "p" 50 users until born 2 usually 1m at most 4m
phase "q" 10/s for 20s
during "p" every 1s reload
during "p" after 2s reload
needs born >= 1
expect p99 <= 2s
`))
	if err != nil {
		t.Fatal(err)
	}
	f, notes, err := s.Scale(10)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{
		f.Option("cheaper-overload"), f.Option("harakiri"), f.Option("max-requests"), f.Setting("fin-delay"), f.Setting("propagation-lag"),
		f.Requests[0].Path, f.Phases[0].For, f.Phases[0].Most, f.Phases[1].Rate, f.Phases[1].For, f.Faults[0].Every, f.Faults[1].After, f.Expects[0].Value,
	}
	want := []any{
		"3", "7", "200", 20 * time.Millisecond, time.Second / 2,
		"/slow?min=0.1&max=0.4&keep=1", 6 * time.Second, 24 * time.Second, 100.0, 2 * time.Second, time.Second / 10, time.Second / 5, 2.0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"harakiri = 65 would be 6.5 at this speed; it is a whole number of seconds: 7"}, notes); diff != "" {
		t.Error(diff)
	}
	if path, err := scalePath("/slow?seconds={80ms}", 6); path != "/slow?seconds=0.013333" || err != nil {
		t.Error(path, err)
	}
	if s.Phases[0].For != time.Minute || s.Option("harakiri") != "65" {
		t.Error("scaling has changed the scenario itself")
	}
	for _, speed := range []float64{0, -1, 101} {
		if _, _, err := s.Scale(speed); err == nil {
			t.Errorf("speed %g was taken", speed)
		}
	}
	usually, most := f.Length()
	if usually != 8*time.Second || most != 26*time.Second {
		t.Error(usually, most)
	}
}

func TestStressed_ReplacesAndAddsOptions(t *testing.T) {
	s, err := Parse("x", []byte(good+"set processes 3\nset max-requests 200\nstress max-requests 50\nstress threads 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Stressed()
	if err != nil {
		t.Fatal(err)
	}
	want := []Option{{"processes", "3"}, {"max-requests", "50"}, {"threads", "2"}}
	if diff := cmp.Diff(want, f.Options); diff != "" || s.Option("max-requests") != "200" {
		t.Error(diff)
	}
	if _, err := f.Stressed(); err == nil || !strings.Contains(err.Error(), `has no line "stress"`) {
		t.Error(err)
	}
}

// generate draws any scenario that the language can say.
func generate(t *rapid.T) *Scenario {
	text := rapid.StringMatching(`[a-zA-Z0-9#"{}',.]([a-z #"{},.]{0,20}[a-z"{}.])?`)
	name := rapid.StringMatching(`[a-z]([a-z ,#]{0,8}[a-z])?`)
	span := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(1, 3_600_000).Draw(t, "ms")) * time.Millisecond
	})
	s := &Scenario{Name: "x", Title: text.Draw(t, "title"), Instances: rapid.IntRange(2, 8).Draw(t, "instances"), Harm: true}
	s.About = rapid.SliceOfN(text, 0, 3).Draw(t, "about")
	if len(s.About) == 0 {
		s.About = nil
	}
	if rapid.Bool().Draw(t, "some stacks") {
		s.Stacks = rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]([a-z+@.-]{0,8}[a-z])?`), 1, 4, rapid.ID).Draw(t, "stacks")
	}
	options := func(label string) (all []Option) {
		for _, n := range rapid.SliceOfNDistinct(rapid.SampledFrom(keys(known)), 0, 4, rapid.ID).Draw(t, label) {
			all = append(all, Option{n, fmt.Sprint(rapid.IntRange(1, 1_000_000).Draw(t, n))})
		}
		return all
	}
	s.Options, s.Stress = options("set"), options("stress")
	for _, n := range rapid.SliceOfNDistinct(rapid.SampledFrom(keys(settings)), 0, 4, rapid.ID).Draw(t, "balancer") {
		s.Balancer = append(s.Balancer, Setting{n, span.Draw(t, n)})
	}
	for range rapid.IntRange(1, 3).Draw(t, "requests") {
		r := Request{Method: "GET", Path: "/" + rapid.StringMatching(`[a-z?=&]{0,9}(\{[1-9]s\})?`).Draw(t, "path"), Times: rapid.IntRange(1, 100).Draw(t, "times")}
		if rapid.Bool().Draw(t, "post") {
			r.Method, r.Body = "POST", rapid.Int64Range(0, mostBodies/300).Draw(t, "body") // of 3 requests, 100 times each
		}
		s.Requests = append(s.Requests, r)
	}
	for i, n := range rapid.SliceOfNDistinct(name, 1, 4, rapid.ID).Draw(t, "phases") {
		p := Phase{Name: n, For: span.Draw(t, "for")}
		p.Most = p.For
		if rapid.Bool().Draw(t, "until") {
			p.Until = &Event{rapid.SampledFrom(Events).Draw(t, "event"), rapid.IntRange(1, 10_000).Draw(t, "n")}
			p.Most += span.Draw(t, "most")
		}
		switch k := rapid.IntRange(0, 2).Draw(t, "load"); {
		case k == 0 || i == 0:
			p.Users = rapid.IntRange(1, 10_000).Draw(t, "users")
		case k == 1:
			p.Rate = float64(rapid.IntRange(1, 100_000).Draw(t, "rate"))
		}
		s.Phases = append(s.Phases, p)
	}
	phase := func() string { return rapid.SampledFrom(s.Phases).Draw(t, "which phase").Name }
	for range rapid.IntRange(0, 3).Draw(t, "faults") {
		f := Fault{Phase: phase(), Action: rapid.SampledFrom(Actions).Draw(t, "action")}
		if f.Action != "deploy" && rapid.Bool().Draw(t, "every") {
			f.Every = span.Draw(t, "every")
		} else {
			f.After = span.Draw(t, "after")
		}
		s.Faults = append(s.Faults, f)
	}
	for range rapid.IntRange(0, 2).Draw(t, "beside") {
		s.Beside = append(s.Beside, Beside{phase(), rapid.IntRange(1, 1000).Draw(t, "n"), rapid.SampledFrom(SlowKinds).Draw(t, "kind"), "/x"})
	}
	expectation := func() Expectation {
		e := Expectation{Measure: rapid.SampledFrom(keys(Measures)).Draw(t, "measure"), Op: rapid.SampledFrom(keys(comparisons)).Draw(t, "op")}
		if !slices.Contains(whole, e.Measure) && rapid.Bool().Draw(t, "in") {
			e.Phase = phase()
		}
		e.Value = float64(rapid.IntRange(0, 100_000).Draw(t, "value"))
		switch {
		case slices.Contains(times, e.Measure):
			e.Unit, e.Value = "s", e.Value+1
			e.Value = min(e.Value, 86400)
		case e.Measure == "availability" || e.Measure == "failed" && rapid.Bool().Draw(t, "share"):
			e.Unit = "%"
		}
		return e
	}
	for range rapid.IntRange(1, 3).Draw(t, "needs") {
		s.Needs = append(s.Needs, expectation())
	}
	for range rapid.IntRange(1, 3).Draw(t, "expects") {
		s.Expects = append(s.Expects, expectation())
	}
	return s
}

func TestFormat_IsReadBackAsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := generate(t)
		text := want.Format()
		got, err := Parse("x", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s\n%s", diff, text)
		}
	})
}

// Whatever the text: a scenario or an error, and what was read can be written and read again.
func FuzzParse(f *testing.F) {
	paths, _ := filepath.Glob("../../../../scenarios/*.scenario")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("x", []byte(text))
		if err != nil {
			return
		}
		if _, err := Parse("x", []byte(s.Format())); err != nil {
			t.Errorf("%v\n%s", err, s.Format())
		}
		_, _, _ = s.Scale(7)
	})
}
