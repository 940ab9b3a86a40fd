package lab

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"fender/internal/proving/lab/scenario"
	"fender/internal/proving/report"
)

// DefaultBound is how long a run against somebody's own service may take.
const DefaultBound = 10 * time.Minute

// target runs the scenario's load against a service of somebody's own. Nothing is done to it but
// asking, and hanging up; how its workers fare cannot be seen.
func (l *lab) target(ctx context.Context, result *report.Result) error {
	length, _ := l.scenario.Length()
	if length > l.Bound {
		return fmt.Errorf("the load would go on for %s, more than %s: take a higher --speed, or a longer --bound", length, l.Bound)
	}
	u, err := url.Parse(l.Target)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%q is not a URL", l.Target)
	}
	l.Target = u.String() // a blank in it would end the URL in siege's file
	l.progress.say(fmt.Sprintf("%s, against %s: %s", l.scenario.Title, l.Target, length.Round(time.Second)))
	r := &row{lab: l, Row: report.Row{Stack: "target", Title: l.Target, Chain: "siege -> " + u.Host}, dir: l.scratch}
	r.Notes = l.leftOut()
	if err := l.conclude(ctx, r, r.besiege(ctx)); err != nil {
		return err
	}
	result.Rows = append(result.Rows, r.Row)
	return nil
}

// besiege carries the phases out without servers and without a balancer.
func (r *row) besiege(ctx context.Context) (err error) {
	begin := time.Now()
	r.board = newBoard(begin, r.lab.binWidth())
	if r.logs, err = openLogs(filepath.Join(r.lab.Out, "logs", "target.log"), begin); err != nil {
		return err
	}
	defer r.closeLogs()
	r.board.arm(begin)
	r.lab.progress.begin(r.Stack, nil) // nothing is seen of it before the end
	err = r.phases(ctx)
	r.gather()
	return err
}

// leftOut says what of the scenario does not happen to somebody's own service.
func (l *lab) leftOut() (notes []string) {
	said := map[string]bool{}
	for _, f := range l.scenario.Faults {
		if (f.Action != "hang up" || strings.HasPrefix(l.Target, "https:")) && !said[f.Action] {
			said[f.Action] = true
			notes = append(notes, fmt.Sprintf("nothing is done to a service of your own: no %q", f.Action))
		}
	}
	for _, b := range l.scenario.Beside {
		notes = append(notes, fmt.Sprintf("the %s of the scenario know only the example site: none came", b.Kind))
	}
	for _, p := range l.scenario.Phases {
		if p.Until != nil {
			notes = append(notes, fmt.Sprintf("phase %q lasted as long as it usually takes: workers that come or go cannot be seen", p.Name))
		}
	}
	return notes
}

// outside is a phase as it can be carried out without a look into the server.
func (l *lab) outside(p scenario.Phase) scenario.Phase {
	if l.Target != "" {
		p.Until, p.Most = nil, p.For
	}
	return p
}
