package osproc

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tree writes files below a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestMemory_ReadsVersion2AndTakesTheLowestLimitOnTheWayUp(t *testing.T) {
	m := findMemory(tree(t, map[string]string{
		"proc/self/cgroup":                  "0::/kube/pod/box\n",
		"proc/self/mountinfo":               "30 20 0:26 / /cg rw,nosuid - cgroup2 cgroup2 rw\n",
		"cg/kube/memory.max":                "max\n",
		"cg/kube/pod/memory.max":            "1000\n",
		"cg/kube/pod/box/memory.max":        "5000\n",
		"cg/kube/pod/box/memory.current":    "1300\n",
		"cg/kube/pod/box/memory.stat":       "anon 600\nfile 650\nshmem 50\ninactive_file 400\nactive_file 200\n",
		"cg/kube/pod/box/memory.oom.group":  "1\n",
		"cg/kube/pod/box/memory.events":     "low 0\nhigh 0\nmax 3\noom 2\noom_kill 2\noom_group_kill 0\n",
		"cg/kube/pod/box/memory.swap.max":   "0\n",
		"cg/kube/pod/memory.current":        "9999\n",
		"cg/kube/pod/memory.oom.group":      "0\n",
		"cg/kube/pod/elsewhere/memory.max":  "1\n",
		"cg/kube/pod/elsewhere/memory.file": "",
	}))
	if m.Limit() != 1000 || m.Used() != 700 || m.Kills() != 2 || !m.KillsAll() {
		t.Errorf("limit %d, used %d, kills %d, all %v", m.Limit(), m.Used(), m.Kills(), m.KillsAll())
	}
	if !strings.Contains(m.Warning(), "memory.oom.group") {
		t.Errorf("warning %q", m.Warning())
	}
}

func TestMemory_ReadsVersion1BesideAVersion2WithoutController(t *testing.T) {
	m := findMemory(tree(t, map[string]string{
		"proc/self/cgroup": "9:name=systemd:/\n4:memory:/docker/abc\n1:cpu,cpuacct:/\n0::/\n",
		// As in a container: the part of the hierarchy that is mounted is its own group.
		"proc/self/mountinfo": "35 31 0:32 /docker/abc /cg/memory rw - cgroup cgroup rw,memory\n" +
			"41 31 0:38 / /cg/unified rw - cgroup2 cgroup2 rw\n",
		"cg/memory/memory.usage_in_bytes": "223\n",
		"cg/memory/memory.stat": "cache 1\ninactive_file 7\nactive_file 7\nhierarchical_memory_limit 4096\n" +
			"total_cache 120\ntotal_inactive_file 60\ntotal_active_file 40\n",
		"cg/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n",
	}))
	if m.Limit() != 4096 || m.Used() != 123 || m.Kills() != 5 || m.KillsAll() || m.Warning() != "" {
		t.Errorf("limit %d, used %d, kills %d, all %v", m.Limit(), m.Used(), m.Kills(), m.KillsAll())
	}
}

func TestMemory_HasNoLimitWhereTheKernelSaysNone(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"version 1": {
			"proc/self/cgroup":    "4:memory:/x\n",
			"proc/self/mountinfo": "35 31 0:32 / /cg rw - cgroup cgroup rw,memory\n",
			// The group's own directory is not there: only the top is mounted.
			"cg/memory.usage_in_bytes": "1\n",
			"cg/memory.stat":           "hierarchical_memory_limit 9223372036854771712\n",
		},
		"version 2": {
			"proc/self/cgroup":    "0::/\n",
			"proc/self/mountinfo": "30 20 0:26 / /cg rw - cgroup2 cgroup2 rw\n",
			"cg/memory.current":   "1\n",
			"cg/memory.max":       "max\n",
		},
	} {
		m := findMemory(tree(t, files))
		if m == nil || m.Limit() != 0 || m.Used() != 1 {
			t.Errorf("%s: %+v, limit %d, used %d", name, m, m.Limit(), m.Used())
		}
	}
}

func TestMemory_IsNoneWithoutAController(t *testing.T) {
	for _, files := range []map[string]string{
		{},
		{"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": "rubbish\n\n- - -\n"},
		{"proc/self/cgroup": "::\n4\n", "proc/self/mountinfo": "30 20 0:26 / /cg rw - cgroup2 cgroup2 rw\n"},
	} {
		m := findMemory(tree(t, files))
		if m != nil || m.Limit() != 0 || m.Used() != 0 || m.Kills() != 0 || m.Warning() != "" {
			t.Errorf("%v: %+v", files, m)
		}
	}
}

func TestMemory_OfThisMachineCanBeRead(t *testing.T) {
	if m := FindMemory(); m != nil && m.Used() <= 0 {
		t.Errorf("%+v: used %d", m, m.Used())
	}
}

func TestProbe_FindsWhatIsNeededHere(t *testing.T) {
	if err := Probe(); err != nil {
		t.Error(err)
	}
}

func TestSpoolWarning_NamesAPoorPlace(t *testing.T) {
	if w := SpoolWarning("/no/such/dir"); !strings.Contains(w, "/no/such/dir") {
		t.Errorf("a missing directory: %q", w)
	}
	if w := SpoolWarning("/dev/shm"); !strings.Contains(w, "tmpfs") {
		t.Errorf("/dev/shm: %q", w)
	}
}

func TestOpenFiles_IsWhatTheKernelAllows(t *testing.T) {
	n, warning := OpenFiles()
	if n == 0 || (n < fewFiles) != (warning != "") {
		t.Errorf("%d, %q", n, warning)
	}
}

func TestConnections_LeavesDescriptorsForWorkersAndSpoolFiles(t *testing.T) {
	for _, c := range []struct {
		limit              uint64
		processes, threads int
		want               int
	}{
		{64, 2, 1, 16},
		{1024, 1, 1, 714},
		{1024, 10, 4, 570},
		{4096, 200, 4, 1024}, // the workers need nearly all of it
		{1 << 20, 10, 4, 786234},
		{math.MaxUint64, 1, 1, 805306314},
	} {
		if got := Connections(c.limit, c.processes, c.threads); got != c.want {
			t.Errorf("%d files, %d x %d: %d, want %d", c.limit, c.processes, c.threads, got, c.want)
		}
	}
}

func TestWorkerOOMScore_IsAboveOurs(t *testing.T) {
	if n := WorkerOOMScore(); n < workerOOM && n != 1000 {
		t.Errorf("%d", n)
	}
}

func TestRSS_OfThisProcessIsPlausible(t *testing.T) {
	rss, err := RSS(os.Getpid())
	if err != nil || rss < 1<<20 {
		t.Errorf("RSS %d, %v", rss, err)
	}
	pss, err := PSS(os.Getpid())
	if err != nil || pss < 1<<20 || pss > rss+1<<20 {
		t.Errorf("PSS %d of RSS %d, %v", pss, rss, err)
	}
	if _, err := RSS(1 << 30); err == nil {
		t.Error("a process that does not exist has memory")
	}
}

func TestSampler_LooksOnlyWhileSomethingIsWatched(t *testing.T) {
	type look struct {
		all []Sample
	}
	looks := make(chan look, 1000)
	s := NewSampler(nil, time.Millisecond, func(all []Sample, used, limit int64) {
		looks <- look{append([]Sample(nil), all...)}
	})
	defer s.Close()
	s.Watch(7, os.Getpid())
	l := <-looks
	if len(l.all) != 1 || l.all[0].Key != 7 || l.all[0].PID != os.Getpid() || l.all[0].RSS <= 0 {
		t.Errorf("%+v", l)
	}
	s.Watch(8, 1<<30) // a process that is gone is left out
	s.Watch(9, os.Getpid())
	for l = range looks {
		if len(l.all) == 2 {
			break
		}
	}
	for _, key := range []uint64{7, 8, 9} {
		s.Unwatch(key)
	}
	s.Watch(10, os.Getpid()) // it goes on after a pause
	for l = range looks {
		if len(l.all) == 1 && l.all[0].Key == 10 {
			return
		}
	}
}
