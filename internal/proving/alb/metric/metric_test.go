package metric

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNames_AreThoseOfCloudWatch(t *testing.T) {
	text, err := os.ReadFile("testdata/cloudwatch.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Fields(string(text))
	seen := map[string]bool{}
	for n := range names {
		if !slices.Contains(known, n.String()) || seen[n.String()] {
			t.Errorf("%d is %q", n, n)
		}
		seen[n.String()] = true
	}
}

// TestNames_AreAllCounted: a zero that nobody counts would read as a thing that never happened.
func TestNames_AreAllCounted(t *testing.T) {
	var code strings.Builder
	for _, dir := range []string{".", "..", "../group"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if f == "name.go" || strings.HasSuffix(f, "_test.go") {
				continue
			}
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			code.Write(text)
		}
	}
	text, err := os.ReadFile("name.go")
	if err != nil {
		t.Fatal(err)
	}
	constants := regexp.MustCompile(`(?m)^\t(\w+):\s+"`).FindAllStringSubmatch(string(text), -1)
	if len(constants) != int(names) {
		t.Fatalf("%d of %d constants are found", len(constants), names)
	}
	for _, c := range constants {
		if !regexp.MustCompile(`\b` + c[1] + `\b`).MatchString(code.String()) {
			t.Errorf("nothing counts %s", c[1])
		}
	}
}

func TestAdd_CountsForTheTargetGroupAndTheLoadBalancer(t *testing.T) {
	s := New()
	a, b := s.TargetGroup("a"), s.TargetGroup("b")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			a.Add(RequestCount, 1)
			b.Add(RequestCount, 2)
			a.Observe(TargetResponseTime, 0.5)
			s.TargetGroup("b").Observe(TargetResponseTime, 1.5)
		})
	}
	all.Wait()
	s.Add(NewConnectionCount, 3)
	a.Store(HealthyHostCount, 4)
	b.Store(HealthyHostCount, 2)
	a.Store(HealthyHostCount, 1)
	got := s.Snapshot()
	if got.Counts["RequestCount"] != 24 || got.TargetGroups["a"].Counts["RequestCount"] != 8 || got.TargetGroups["b"].Counts["RequestCount"] != 16 {
		t.Errorf("requests: %+v", got)
	}
	if got.Counts["HealthyHostCount"] != 3 || got.TargetGroups["a"].Counts["HealthyHostCount"] != 1 {
		t.Errorf("healthy: %+v", got)
	}
	if diff := cmp.Diff(Statistics{16, 1, 16, 0.5, 1.5}, got.TargetResponseTime); diff != "" {
		t.Error(diff)
	}
	if got.TargetGroups["a"].Counts["NewConnectionCount"] != 0 || s.Value(NewConnectionCount) != 3 {
		t.Errorf("connections: %+v", got)
	}
}

func TestStatus_CountsByClassAndSomeByThemselves(t *testing.T) {
	s := New()
	for _, code := range []int{301, 400, 460, 500, 502, 502, 503, 504, 505, 200, 0} {
		s.Status(code, false)
	}
	for _, code := range []int{200, 204, 302, 404, 502, 101} {
		s.Status(code, true)
	}
	got := map[string]int64{}
	for name, n := range s.Snapshot().Counts {
		if n > 0 {
			got[name] = n
		}
	}
	want := map[string]int64{
		"HTTPCode_ELB_3XX_Count": 1, "HTTPCode_ELB_4XX_Count": 2, "HTTPCode_ELB_5XX_Count": 6, "HTTPCode_ELB_500_Count": 1,
		"HTTPCode_ELB_502_Count": 2, "HTTPCode_ELB_503_Count": 1, "HTTPCode_ELB_504_Count": 1,
		"HTTPCode_Target_2XX_Count": 2, "HTTPCode_Target_3XX_Count": 1, "HTTPCode_Target_4XX_Count": 1, "HTTPCode_Target_5XX_Count": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSnapshot_KeepsTheZeros(t *testing.T) {
	text, err := json.Marshal(New().Snapshot())
	if err != nil || !strings.Contains(string(text), `"HTTPCode_ELB_502_Count":0`) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestNilSet_CountsNothing(*testing.T) {
	var s *Set
	s.Add(RequestCount, 1)
	s.Store(HealthyHostCount, 1)
	s.Observe(TargetResponseTime, 1)
	s.Status(200, true)
	s.TargetGroup("a").Add(RequestCount, s.Value(RequestCount))
	s.Snapshot()
}
