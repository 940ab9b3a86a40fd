package front

import "fender/internal/observe/accesslog"

// log gives the request's entry to the access log: the front's facts and the workshop's.
func (c *conn) log(r *reply) {
	e := &r.entry
	e.Status, e.Cause, e.Sent = r.status, string(r.cause), r.sent
	f := &r.facts
	e.Worker, e.Spawn, e.PID, e.Generation = f.Worker, f.Spawn, f.PID, f.Generation
	e.Attempts, e.Queue, e.Work = f.Attempts, f.Queue, f.Work
	for _, v := range r.request.LogVars {
		e.Vars = append(e.Vars, accesslog.Var(v))
	}
	c.idle = c.front.clock
	e.Total = c.idle.Sub(e.Time)
	c.front.options.Log(e)
}
