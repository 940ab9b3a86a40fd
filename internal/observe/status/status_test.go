package status

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"testing"
	"time"

	"fender/internal/golden"

	"github.com/google/go-cmp/cmp"
)

// full is a document in which every field says something.
func full() Status {
	since := time.Date(2026, 11, 23, 20, 36, 1, 250_000_000, time.UTC)
	return Status{
		State: Reloading, Generation: 2, Python: "Python 3.11.2 at /usr/bin/python3",
		Version: "1.0.0", PID: 1, Uptime: 3600.5,
		Workers: []Worker{
			{
				Number: 1, Spawn: 17, PID: 4242, Generation: 1, State: "retiring", Reason: "reload",
				Requests: 204, RSS: 41 << 20, PSS: 12 << 20,
				Slots: []Slot{{RequestID: 4711, Method: "GET", Path: "/slow", Since: since}, {}},
			},
			{Number: 2, Spawn: 18, PID: 4243, Generation: 2, State: "starting"},
		},
		Queue:  Queue{Length: 3, Limit: 1024, Oldest: 0.125},
		Totals: Totals{Requests: 10000, Failed: 2, Retried: 5, TakenBack: 31, Born: 18, Gone: 16, Reloads: 1},
	}
}

func TestStatus_JSONIsTheContract(t *testing.T) {
	for name, doc := range map[string]Status{"full": full(), "empty": {}} {
		got, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')
		golden.Check(t, name+".json", got) // a change that is meant raises Version
	}
}

func TestStatus_SurvivesItsJSONForm(t *testing.T) {
	text, err := json.Marshal(full())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(text, []byte(`{"v":1,"state":`)) {
		t.Errorf("document begins %.40s", text)
	}
	var back Status
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full().Workers[0], back.Workers[0]); diff != "" {
		t.Error(diff)
	}
}

func TestDocs_NameEveryKey(t *testing.T) {
	text, err := os.ReadFile("../../../docs/control.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := bytes.Cut(text, []byte("## The status document"))
	if !ok {
		t.Fatal("docs/control.md does not explain the status document")
	}
	doc, err := os.ReadFile("testdata/full.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`"([a-z_]+)":`).FindAllSubmatch(doc, -1) {
		if !bytes.Contains(table, []byte("`"+string(m[1])+"`")) {
			t.Errorf("docs/control.md does not explain %q", m[1])
		}
	}
}
