package main

import (
	"context"
	"time"
)

// measurement is a name that -workloads takes, and what it does: it adds to the report.
type measurement struct {
	name  string
	short bool          // it is part of the short run
	takes time.Duration // about
	run   func(context.Context) error
}

func (b *bench) measurements(rep *report) []measurement {
	var all []measurement
	for _, w := range workloads {
		all = append(all, measurement{w.Name, w.Short, b.loadTakes(w), func(ctx context.Context) error {
			result, err := b.load(ctx, w)
			if err == nil {
				rep.Loads = append(rep.Loads, result)
			}
			return err
		}})
	}
	for _, s := range allSeries {
		all = append(all, measurement{s.Name, true, b.flatTakes(s), func(ctx context.Context) error {
			result, err := b.flat(ctx, s)
			if err == nil {
				rep.Flat = append(rep.Flat, result)
			}
			return err
		}})
	}
	return append(all, measurement{"eight", true, b.eightTakes(), func(ctx context.Context) (err error) {
		rep.Eight, err = b.eight(ctx)
		return err
	}}, measurement{"idle", false, b.idleTakes(idleConnections), func(ctx context.Context) error {
		results, err := b.idle(ctx, idleConnections)
		rep.Idle = append(rep.Idle, results...)
		return err
	}}, measurement{"crowd", true, b.idleTakes(crowdConnections, "fender", baseline), func(ctx context.Context) error {
		results, err := b.idle(ctx, crowdConnections, "fender", baseline)
		rep.Idle = append(rep.Idle, results...)
		return err
	}}, measurement{"spawn", true, startTime, func(ctx context.Context) (err error) {
		rep.Spawn, err = b.spawn(ctx)
		return err
	}})
}

// names are those of all measurements, or of the short run's.
func names(full bool) []string {
	var all []string
	for _, m := range (&bench{}).measurements(&report{}) {
		if full || m.short {
			all = append(all, m.name)
		}
	}
	return all
}
