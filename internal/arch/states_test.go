package arch

import (
	"testing"

	"fender/internal/workers/pool"

	"github.com/google/go-cmp/cmp"
)

func TestArchitecture_WorkerStatesAreThePools(t *testing.T) {
	table, err := section(architecture(t), "worker-states")
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]bool{}
	for _, cells := range rows(table) {
		from := quoted(cells[0])
		if len(cells) < 2 || len(from) != 1 {
			t.Fatalf("worker-states: %q is not a state and those that may follow", cells)
		}
		for _, to := range quoted(cells[1]) {
			written[from[0]+" -> "+to] = true
		}
	}
	legal := map[string]bool{}
	for _, step := range pool.Transitions {
		legal[step.From.String()+" -> "+step.To.String()] = true
	}
	if diff := cmp.Diff(legal, written); diff != "" {
		t.Errorf("pool.Transitions (-) and the table (+) differ:\n%s", diff)
	}
}
