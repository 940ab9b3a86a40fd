package python

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"testing"
)

// cpuTicks is the CPU time that a process has used, in clock ticks of 10 ms.
func cpuTicks(t testing.TB, pid int) int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	user, err1 := strconv.Atoi(string(fields[11]))
	system, err2 := strconv.Atoi(string(fields[12]))
	if err1 != nil || err2 != nil {
		t.Fatalf("%s", data)
	}
	return user + system
}

// benchEnviron is what a browser's request behind a load balancer looks like.
func benchEnviron(path string) map[string]string {
	env := environ("GET", path)
	for name, value := range map[string]string{
		"HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
		"HTTP_ACCEPT":     "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
		"HTTP_ACCEPT_LANGUAGE": "en-US,en;q=0.5", "HTTP_COOKIE": "sessionid=0123456789abcdef; csrftoken=0123456789abcdef",
		"HTTP_X_FORWARDED_FOR": "203.0.113.7", "HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_PORT": "443",
		"HTTP_X_AMZN_TRACE_ID": "Root=1-67891233-abcdef012345678912345678", "REMOTE_PORT": "40312", "HTTP_CONNECTION": "keep-alive",
	} {
		env[name] = value
	}
	return env
}

// BenchmarkWorker_AnswersOneFrame reports the worker's CPU for one request, with the next request
// always sent ahead, so that the worker never sleeps.
func BenchmarkWorker_AnswersOneFrame(b *testing.B) {
	for _, path := range []string{"hello", "body_close"} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", path, threads), func(b *testing.B) {
				boot := testBoot("fast:" + path)
				boot.Threads = threads
				w := start(b, systemPython(b), boot).ready()
				f := frame{kind: kindRequest, id: 1, head: marshalValue(nil, benchEnviron("/"+path))}
				messages := [64][]byte{}
				buffer := make([]byte, maxMessage)
				send := func(i int) {
					f.sequence = uint32(i + 1)
					m := f.encode()
					messages[i%64] = m
					if err := sendMessage(w.slots[0], m); err != nil {
						b.Fatal(err)
					}
				}
				before := cpuTicks(b, w.pid)
				b.ResetTimer()
				for i := range b.N {
					if i == 0 {
						send(0)
					}
					if i+1 < b.N {
						send(i + 1)
					}
					if n, _, err := receive(w.slots[0], buffer); err != nil || n == 0 {
						b.Fatal(n, err)
					}
				}
				b.StopTimer()
				spent := cpuTicks(b, w.pid) - before
				b.ReportMetric(float64(spent)*1e4/float64(b.N), "worker-us/op")
			})
		}
	}
}

// BenchmarkTemplate_SpawnToReady is the time from the order to the worker's hello.
func BenchmarkTemplate_SpawnToReady(b *testing.B) {
	for _, threads := range []int{1, 4} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			boot := testBoot("fast:hello")
			boot.Threads = threads
			r := start(b, systemPython(b), boot)
			for range b.N {
				w := r.ready()
				b.StopTimer()
				w.endSlots()
				w.reap()
				b.StartTimer()
			}
		})
	}
}
