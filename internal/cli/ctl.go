package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fender/internal/control"

	"github.com/spf13/cobra"
)

// controlVariable names the socket when --control does not.
const controlVariable = "FENDER_CONTROL"

func newCtl(p *Process) *cobra.Command {
	ctl := &cobra.Command{
		Use:                   "ctl COMMAND",
		DisableFlagsInUseLine: true,
		Short:                 "speak to a running fender",
		Long: "ctl speaks to the fender that was started with --control PATH. The path is given with --control\n" +
			"too, or in $" + controlVariable + ". Only the user that fender runs as, and root, are answered.",
		Example: "  fender ctl status --control /run/fender.sock\n" +
			"  fender ctl reload --control /run/fender.sock   exit 4 when the new code does not come up",
	}
	path := ctl.PersistentFlags().String("control", "", "the control socket's `PATH`")
	client := func() (control.Client, error) {
		c := control.Client{Path: *path}
		if c.Path == "" {
			c.Path = p.Getenv(controlVariable)
		}
		if c.Path == "" {
			return c, usageError("which fender? Give the path of its socket with --control PATH or in $" + controlVariable)
		}
		return c, nil
	}
	ctl.AddCommand(newCtlStatus(p, client), newCtlReload(p, client))
	group(ctl)
	return ctl
}

// interrupted gives the exit code of a signal to an error that a signal caused.
func interrupted(err error, text string) error {
	if errors.Is(err, errInterrupted) {
		return failure{errInterrupted.code, errors.New(text)}
	}
	return err
}

// withTimeout is context.WithTimeoutCause with a sentence for people.
func withTimeout(ctx context.Context, d time.Duration, text string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("%s within %v", text, d))
}
