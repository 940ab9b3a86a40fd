package scaler

import (
	"fmt"
	"math"
)

// memory is the room for more workers below the container's limit.
type memory struct {
	limit, used int64
	share       int64 // what one more worker costs
}

// weigh reads a sample's memory. A worker that is starting has not taken its share yet, so its
// share counts as used.
func weigh(s Sample) memory {
	m := memory{limit: max(0, s.MemoryLimit), used: max(0, s.MemoryUsed), share: max(0, s.WorkerMemory)}
	if m.share == 0 {
		m.share = m.used / int64(len(s.Workers)+1)
	}
	if starting := int64(max(0, s.Starting)); m.share > 0 && starting > 0 {
		if m.share > (math.MaxInt64-m.used)/starting {
			m.used = math.MaxInt64
		} else {
			m.used += m.share * starting
		}
	}
	return m
}

// room is the number of workers that still fit.
func (m memory) room() int {
	switch {
	case m.limit == 0:
		return math.MaxInt
	case m.used >= m.limit:
		return 0
	case m.share == 0:
		return math.MaxInt
	}
	return int(min((m.limit-m.used)/m.share, math.MaxInt32))
}

// missing says why there is no room.
func (m memory) missing() string {
	return fmt.Sprintf("no memory for it: %s of %s used, a worker takes %s",
		mebibytes(m.used), mebibytes(m.limit), mebibytes(m.share))
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
