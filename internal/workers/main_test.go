package workers

import (
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// role is the variable that makes the test binary play a template, a worker or a master. No Python
// is needed to test the hands.
const role = "WORKERS_TEST_ROLE"

func TestMain(m *testing.M) {
	switch words := strings.Fields(os.Getenv(role)); {
	case len(words) == 0:
		goleak.VerifyTestMain(m)
	case words[0] == "template":
		os.Exit(playTemplate())
	case words[0] == "worker":
		os.Exit(playWorker(words[1:]))
	case words[0] == "master":
		os.Exit(playMaster())
	default:
		os.Exit(99)
	}
}
