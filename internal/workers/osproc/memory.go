package osproc

import (
	"bufio"
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Memory is the memory limit that this process lives under: its control group, version 1 or 2. A
// nil *Memory is none. Reading it opens files of the kernel, so the loop leaves it to others.
type Memory struct {
	version int
	dir     string // the group's own directory
	top     string // where the hierarchy is mounted
}

// unlimited is what version 1 says when there is no limit, rounded down to whole pages.
const unlimited = 1 << 62

// FindMemory finds the control group with a memory controller; nil if there is none.
func FindMemory() *Memory { return findMemory("/") }

func findMemory(root string) *Memory {
	groups, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return nil
	}
	mounts, err := os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return nil
	}
	// A machine may mount both versions; the memory controller is in one of them only.
	for _, version := range []int{1, 2} {
		group, ok := groupOf(groups, version)
		if !ok {
			continue
		}
		top, inside, ok := mountOf(mounts, version)
		if !ok {
			continue
		}
		m := &Memory{version: version, top: filepath.Join(root, top)}
		// What is mounted may be a part of the hierarchy: a container sees its own group as the top.
		rel, below := strings.CutPrefix(group, inside)
		if inside == "/" {
			rel, below = group, true
		}
		m.dir = m.top
		if below {
			m.dir = filepath.Join(m.top, path.Clean("/"+rel))
		}
		for _, dir := range []string{m.dir, m.top} {
			m.dir = dir
			if m.exists() {
				return m
			}
		}
	}
	return nil
}

func (m *Memory) exists() bool {
	name := "memory.current"
	if m.version == 1 {
		name = "memory.usage_in_bytes"
	}
	_, err := os.Stat(filepath.Join(m.dir, name))
	return err == nil
}

// groupOf finds the group's path in /proc/self/cgroup: "4:memory:/path" or "0::/path".
func groupOf(b []byte, version int) (string, bool) {
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		if version == 2 && f[0] == "0" && f[1] == "" || version == 1 && hasWord(f[1], "memory") {
			return f[2], true
		}
	}
	return "", false
}

// mountOf finds where the hierarchy is mounted, and which part of it, in /proc/self/mountinfo.
func mountOf(b []byte, version int) (mount, inside string, ok bool) {
	for line := range strings.Lines(string(b)) {
		left, right, cut := strings.Cut(strings.TrimSpace(line), " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !cut || len(l) < 5 || len(r) < 3 {
			continue
		}
		if version == 2 && r[0] == "cgroup2" || version == 1 && r[0] == "cgroup" && hasWord(r[2], "memory") {
			return l[4], l[3], true
		}
	}
	return "", "", false
}

func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// Limit is the memory limit in bytes, the lowest on the way up; 0 is none.
func (m *Memory) Limit() int64 {
	if m == nil {
		return 0
	}
	if m.version == 1 {
		n := field(m.dir, "memory.stat", "hierarchical_memory_limit")
		if n >= unlimited {
			return 0
		}
		return n
	}
	limit := int64(0)
	for dir := m.dir; ; dir = filepath.Dir(dir) {
		if n, ok := number(dir, "memory.max"); ok && (limit == 0 || n < limit) {
			limit = n
		}
		if dir == m.top || len(dir) <= len(m.top) {
			return limit
		}
	}
}

// Used is the memory that the group uses now in bytes, without its files in the page cache: those
// fill any limit sooner or later, and the kernel takes them back before anything else. Files that
// lie in memory (tmpfs) count. 0 is unknown.
func (m *Memory) Used() int64 {
	if m == nil {
		return 0
	}
	name, prefix := "memory.current", ""
	if m.version == 1 {
		name, prefix = "memory.usage_in_bytes", "total_"
	}
	n, _ := number(m.dir, name)
	if n == 0 {
		return 0
	}
	// The two are read one after the other, so that their difference may be nothing at all.
	return max(n-field(m.dir, "memory.stat", prefix+"inactive_file")-field(m.dir, "memory.stat", prefix+"active_file"), 1)
}

// KillsAll reports whether the kernel ends the whole group when one process of it is out of memory
// (memory.oom.group; Kubernetes sets it on version 2 from 1.28).
func (m *Memory) KillsAll() bool {
	if m == nil || m.version != 2 {
		return false
	}
	n, _ := number(m.dir, "memory.oom.group")
	return n == 1
}

// Kills is how many processes of the group the kernel has ended for want of memory so far.
func (m *Memory) Kills() int64 {
	if m == nil {
		return 0
	}
	name := "memory.events"
	if m.version == 1 {
		name = "memory.oom_control"
	}
	return field(m.dir, name, "oom_kill")
}

// Warning is a sentence about what an operator should know of the limit, or "".
func (m *Memory) Warning() string {
	if m.KillsAll() {
		return "memory.oom.group is set: when one worker is out of memory the kernel ends the whole container, " +
			"front included; set reload-on-rss below the limit (Kubernetes: singleProcessOOMKill: true for the kubelet)"
	}
	return ""
}

// number reads a file that holds one number. "max" and what is no number is not there.
func number(dir, name string) (int64, bool) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	return n, err == nil && n >= 0
}

// field reads the number behind a word in a file of "word number" lines; 0 if it is not there.
func field(dir, name, word string) int64 {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return 0
	}
	for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
		if rest, ok := strings.CutPrefix(sc.Text(), word+" "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			if err != nil {
				return 0
			}
			return max(n, 0)
		}
	}
	return 0
}
