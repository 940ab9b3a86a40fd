package scaler

import "time"

// Sample is what the scaler sees of the workshop in one cycle.
type Sample struct {
	// Now is a reading of a monotonic clock: the time since an origin that the caller chose.
	Now time.Duration
	// Workers are the workers that are ready and stay: neither starting nor retiring. During a
	// replacement the old worker or its replacement stands here, never both.
	Workers []WorkerSample
	// Starting counts the workers that are wanted and not ready: being forked, importing, or
	// waiting for their turn after a failed start. As in uWSGI they count as workers that are not
	// busy, so that nothing grows further while they come up.
	Starting int
	// Leaving counts the workers that the scaler removed and that still work on their last
	// requests. As in uWSGI they hold their place below Processes until they are gone.
	Leaving int
	// Processes and Cheaper are the bounds. Below one worker the scaler never goes.
	Processes, Cheaper int
	// Queue is the number of requests that wait in the front's queue, and OldestWait how long the
	// first of them has waited. uWSGI looks at the kernel's listen queue here; nothing waits there
	// in front of fender.
	Queue      int
	OldestWait time.Duration
	// MemoryUsed and MemoryLimit are bytes of the whole container (memory.current without the page
	// cache, memory.max). A limit of 0 is none.
	MemoryUsed, MemoryLimit int64
	// WorkerMemory is what one more worker costs, in bytes: the part of a worker's memory that it
	// does not share. 0 means not measured: then MemoryUsed is shared out evenly over the workers
	// and the template, which holds the application too.
	WorkerMemory int64
}

// WorkerSample is one ready worker.
type WorkerSample struct {
	// Spawn names the worker. It is never reused; busyness measures Running from cycle to cycle by it.
	Spawn uint64
	// Busy says that at least one of the worker's slots has a request.
	Busy bool
	// Running is the time for which the worker's slots have had a request since its start, summed
	// over its slots: two busy slots make two seconds a second. It advances while a request runs. (uWSGI's running_time advances only
	// when a request ends; its rule for workers that were seen busy and whose time stood still is
	// not needed here.)
	Running time.Duration
	// Slots is the worker's number of threads, BusySlots how many of them have a request.
	Slots, BusySlots int
	// LastSpawn is when the worker was started, on the scale of Sample.Now.
	LastSpawn time.Duration
}

// busy is uWSGI's uwsgi_worker_is_busy: one request among any number of threads is enough.
func (w WorkerSample) busy() bool { return w.Busy || w.BusySlots > 0 }

// Decision is what shall change.
type Decision struct {
	// Delta is the number of workers to start, -1 to retire one, 0 to change nothing. Never less
	// than -1.
	Delta int
	// Spawn is the worker to retire when Delta is -1: the oldest one that is not busy.
	Spawn uint64
	// Why says it for people. With Delta 0 it is empty, or says that more workers were wanted and
	// that there is no memory for them.
	Why string
	// Report is what a window of busyness has measured, with cheaper-busyness-verbose.
	Report string
}

// view is a sample as the algorithms see it, with uWSGI's words behind each field.
type view struct {
	Sample
	workers  []WorkerSample
	active   int // workers that are not cheaped
	waiting  int // of them, not busy (the starting ones among them)
	places   int // cheaped workers, whose pid is 0: how many more may be started
	floor    int // cheaper, at least 1
	canSpawn bool
	memory   memory
}

func look(s Sample) view {
	v := view{Sample: s, workers: s.Workers, active: len(s.Workers) + max(0, s.Starting)}
	v.waiting = v.active
	for _, w := range s.Workers {
		if w.busy() {
			v.waiting--
		}
	}
	v.places = max(0, s.Processes-v.active-max(0, s.Leaving))
	v.floor = min(max(1, s.Cheaper), max(1, s.Processes))
	v.memory = weigh(s)
	v.canSpawn = v.memory.room() > 0
	return v
}

// oldestIdle is the worker that goes when one has to: of those that are not busy the one that was
// started first.
func oldestIdle(workers []WorkerSample) (spawn uint64, ok bool) {
	var oldest WorkerSample
	for _, w := range workers {
		if w.busy() {
			continue
		}
		older := w.LastSpawn < oldest.LastSpawn || w.LastSpawn == oldest.LastSpawn && w.Spawn < oldest.Spawn
		if !ok || older {
			oldest, ok = w, true
		}
	}
	return oldest.Spawn, ok
}
