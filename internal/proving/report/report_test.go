package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"fender/internal/golden"

	"github.com/google/go-cmp/cmp"
)

// sample is a run with one row of each outcome.
func sample() *Result {
	bad := Row{
		Stack: "uwsgi-http-socket", Title: "uWSGI 2.0.21, http-socket", Chain: "ALB -> uWSGI -> Django", Version: "2.0.21", Outcome: Failed,
		Phases: []Phase{
			{Name: "load", Load: "50 users", From: 0, To: 7.1, Ended: "2 workers were born", Count: Count{Requests: 110, Failed: 1, Born: 2}},
			{Name: "stop", Load: "nobody", From: 7.1, To: 11, Ended: "1 worker died", Count: Count{Dead: 1}},
			{Name: "load again", Load: "50 users", From: 11, To: 17, Ended: "its time was over", Count: Count{Requests: 100, Failed: 3}},
		},
		Total:    Count{Requests: 210, Failed: 4, Statuses: map[string]int{"200": 206, "502": 4}, P50: 0.2512, P99: 1.25, Longest: 2, Born: 2, Dead: 1},
		Failures: map[string]int{"502": 4}, Statuses: map[string]int{"200": 206, "502": 4}, Causes: map[string]int{"t t -1": 4},
		Born: 2, Dead: 1, Reasons: map[string]int{"cheaper": 1}, Peak: Sample{Processes: 5, Threads: 13, Memory: 120 << 20}, CPU: 3.25, BalancerCPU: 0.5, LoadCPU: 0.25,
		Samples:  []Sample{{At: 0.5, Processes: 2, Threads: 5, Memory: 60 << 20, CPU: 0.3}, {At: 1, Processes: 5, Threads: 13, Memory: 120 << 20, CPU: 0.9}},
		Events:   []Event{{At: 3.4, Kind: "born", Text: "worker 2 (pid 77)"}, {At: 10.9, Kind: "dead", Text: "worker 3 <script>"}},
		Lines:    []string{`http 2026-11-25T20:00:00.000000Z app/lab/50dc6c495c0c9188 127.0.0.1:1 127.0.0.1:2 0.000 0.001 -1 502 - 77 277 "GET http://x:80/ HTTP/1.1"`},
		Verdicts: []Verdict{{Text: "born >= 1", Got: "2", Met: true, Needed: true}, {Text: "failed = 0", Got: "4"}},
		Notes:    []string{"uWSGI's master looks once a second, at any speed"},
	}
	for i := range 34 {
		bad.Series = append(bad.Series, Bin{At: float64(i) / 2, Width: 0.5, OK: i % 9, Failed: i / 30, Workers: 1 + i/10})
	}
	good := Row{
		Stack: "fender", Title: "fender", Chain: "ALB -> fender -> Django", Outcome: Passed, Total: Count{Requests: 300, P50: 0.25, P99: 0.4},
		Verdicts: []Verdict{{Text: "failed = 0", Got: "0", Met: true}}, Done: map[string]int{"kills": 3},
	}
	return &Result{
		V: Version, Scenario: "incident", Title: "The incident & its <cause>", About: []string{"First.", "Second."},
		Started: time.Date(2026, 11, 25, 20, 0, 0, 0, time.UTC), Speed: 10, Load: []string{"GET /slow?min=0.1&max=0.4"}, Options: []string{"processes = 10"},
		Machine: Machine{Kernel: "6.1.0", CPUs: 2, Memory: 8 << 30, Python: "Python 3.11.2", Django: "5.2.19", Fender: "1.0.0"},
		Notes:   []string{"a note"},
		Rows: []Row{
			bad, good, {Stack: "apache", Title: "Apache", Outcome: Skipped, Skipped: "install apache2"},
			{Stack: "gunicorn", Title: "gunicorn", Chain: "ALB -> gunicorn", Outcome: NoFault, Verdicts: []Verdict{{Text: "born >= 1", Got: "0", Needed: true}, {Text: "dead >= 1", Open: "nobody can see it"}}},
			{Stack: "x", Title: "x", Chain: "y", Outcome: Broken, Error: "it did not start"},
		},
		Passed: false, Why: []string{"fender: nothing"},
	}
}

// Scripts rely on these names: they change only with the version and an entry in the CHANGELOG.
func TestJSON_IsTheGoldenFile(t *testing.T) {
	text, err := sample().JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "result.json", text)
	var back Result
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*sample(), back); diff != "" {
		t.Error(diff)
	}
}

func TestTable_IsTheGoldenFile(t *testing.T) {
	var b bytes.Buffer
	if err := sample().Table(&b); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "table.txt", b.Bytes())
}

func TestPercent_NeverRoundsAFailureAway(t *testing.T) {
	for p, want := range map[float64]string{100: "100 %", 99.99999: "99.9999 %", 99.995: "99.9950 %", 99.5: "99.50 %", 0: "0.00 %"} {
		if got := Percent(p); got != want {
			t.Errorf("%g: %s, want %s", p, got, want)
		}
	}
}

func TestHTML_IsOneFileWithoutNetworkOrScripts(t *testing.T) {
	text, err := sample().HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, never := range []string{"<script", "src=", "@import", "url(", "http-equiv", "<link"} {
		if bytes.Contains(text, []byte(never)) {
			t.Errorf("the page has %q", never)
		}
	}
	if found := regexp.MustCompile(`(?:href|xlink)="[^#]`).Find(text); found != nil {
		t.Errorf("the page leads elsewhere: %s", found)
	}
	for _, want := range []string{"prefers-color-scheme:dark", "width=device-width", "The incident &amp; its &lt;cause&gt;", "&lt;script&gt;", "install apache2", "0.000 0.001 -1 502"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if path := os.Getenv("REPORT_OUT"); path != "" {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// What servers, clients and scenarios say must stay text wherever it stands on the page.
func TestHTML_ScriptsNothingThatSomebodyElseHasWritten(t *testing.T) {
	const evil = `"'></title></style></pre></svg><script>alert(1)</script><img src=x onerror=alert(1)>`
	counts := map[string]int{evil: 3}
	text, err := (&Result{
		V: Version, Scenario: evil, Title: evil, About: []string{evil}, Target: evil, Load: []string{evil}, Options: []string{evil},
		Machine: Machine{Kernel: evil, Python: evil, Django: evil, Fender: evil}, Notes: []string{evil}, Why: []string{evil},
		Rows: []Row{{Stack: "a", Outcome: Skipped, Skipped: evil}, {
			Stack: evil, Title: evil, Chain: evil, Version: evil, Error: evil, Notes: []string{evil}, Outcome: Broken,
			Failures: counts, Statuses: counts, Causes: counts, Reasons: counts, Done: counts,
			Phases:  []Phase{{Name: evil, Load: evil, To: 9, Ended: evil}},
			Events:  []Event{{Kind: "born", Text: evil}},
			Samples: []Sample{{At: 1}}, Lines: []string{evil}, Examples: []string{evil},
			Verdicts: []Verdict{{Text: evil, Got: evil}, {Text: evil, Open: evil}},
		}},
	}).HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, never := range []string{"<script", "<img", "</style></", "</pre></svg>"} {
		if i := bytes.Index(text, []byte(never)); i >= 0 {
			t.Errorf("%q stands on the page: %.200s", never, text[max(0, i-100):])
		}
	}
}

func TestTimeline_IsWellFormedAndShowsEveryFailure(t *testing.T) {
	for _, r := range sample().Rows {
		for _, width := range []float64{wide, narrow} {
			svg := r.Timeline(width)
			d := xml.NewDecoder(strings.NewReader(svg))
			rects := map[string]int{}
			for {
				token, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%s: %v\n%s", r.Stack, err, svg)
				}
				if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
					rects[e.Attr[0].Value]++
				}
			}
			bins := 0
			for _, b := range r.Series {
				if b.Failed > 0 {
					bins++
				}
			}
			if rects["failed"] != bins || rects["mark born"]+rects["mark dead"] != len(r.Events) {
				t.Errorf("%s: drawn %v of %d bins with failures and %d events", r.Stack, rects, bins, len(r.Events))
			}
			if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
				t.Errorf("%s: no number in %s", r.Stack, svg)
			}
		}
	}
}

func TestRound_ChoosesStepsThatPeopleRead(t *testing.T) {
	got := fmt.Sprint(round(0.03), round(1), round(1.1), round(3), round(7), round(42), round(600))
	if got != "0.05 1 2 5 10 50 1000" {
		t.Error(got)
	}
}
