package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"fender/internal/control"
	"fender/internal/observe/event"
	"fender/internal/observe/status"

	"github.com/spf13/cobra"
)

// statusTimeout bounds the wait for a server that does not answer.
const statusTimeout = 10 * time.Second

func newCtlStatus(p *Process, client func() (control.Client, error)) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:                   "status [--json]",
		Short:                 "print what every worker is doing",
		Args:                  noArgs,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client()
			if err != nil {
				return err
			}
			ctx, cancel := withTimeout(cmd.Context(), statusTimeout, "no answer from the fender at "+c.Path)
			defer cancel()
			doc, err := c.Status(ctx)
			if err != nil {
				return interrupted(err, "interrupted")
			}
			if asJSON {
				return writeJSON(p.Stdout, doc)
			}
			return printStatus(p.Stdout, doc, p.Now())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as a JSON document")
	return cmd
}

// printStatus prints the document for people. Its texts are from strangers: paths from clients.
func printStatus(w io.Writer, doc status.Status, now time.Time) error {
	var b strings.Builder
	fmt.Fprintf(&b, "fender %s, pid %d, up %v: %s, generation %d, %s\n",
		doc.Version, doc.PID, seconds(doc.Uptime).Round(time.Second), doc.State, doc.Generation, event.Printable(interpreter(doc.Python)))
	fmt.Fprintf(&b, "queue: %d of %d", doc.Queue.Length, doc.Queue.Limit)
	if doc.Queue.Length > 0 {
		fmt.Fprintf(&b, ", the oldest for %v", seconds(doc.Queue.Oldest).Round(time.Millisecond))
	}
	t := doc.Totals
	fmt.Fprintf(&b, "\nrequests: %d, %d failed, %d begun again, %d taken back\n", t.Requests, t.Failed, t.Retried, t.TakenBack)
	fmt.Fprintf(&b, "workers: %d now, %d born, %d gone, %d reloads\n\n", len(doc.Workers), t.Born, t.Gone, t.Reloads)

	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WORKER\tSPAWN\tPID\tGENERATION\tSTATE\tREQUESTS\tRSS\tPSS\tBUSY\tWORKING ON")
	for _, worker := range doc.Workers {
		busy := busySlots(worker, now)
		state := worker.State
		if worker.Reason != "" {
			state += " (" + worker.Reason + ")"
		}
		first := ""
		if len(busy) > 0 {
			first = busy[0]
		}
		fmt.Fprintf(table, "%d\t%d\t%d\t%d\t%s\t%d\t%s\t%s\t%d/%d\t%s\n",
			worker.Number, worker.Spawn, worker.PID, worker.Generation, event.Printable(state), worker.Requests,
			mebibytes(worker.RSS), mebibytes(worker.PSS), len(busy), len(worker.Slots), first)
		for i := 1; i < len(busy); i++ {
			fmt.Fprintf(table, "\t\t\t\t\t\t\t\t\t%s\n", busy[i])
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// busySlots says what each slot that has a request works on.
func busySlots(w status.Worker, now time.Time) []string {
	var busy []string
	for _, s := range w.Slots {
		if s.RequestID == 0 {
			continue
		}
		text := event.Printable(fmt.Sprintf("%s %s", s.Method, s.Path))
		if !s.Since.IsZero() {
			text += fmt.Sprintf(" for %v", max(now.Sub(s.Since), 0).Round(time.Millisecond))
		}
		busy = append(busy, text)
	}
	return busy
}

// interpreter names a Python of which only the version is known.
func interpreter(python string) string {
	if python != "" && python[0] >= '0' && python[0] <= '9' {
		return "Python " + python
	}
	return python
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func mebibytes(n int64) string {
	if n <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
