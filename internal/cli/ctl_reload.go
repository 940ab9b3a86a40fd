package cli

import (
	"errors"
	"fmt"
	"time"

	"fender/internal/control"
	"fender/internal/exit"

	"github.com/spf13/cobra"
)

func newCtlReload(p *Process, client func() (control.Client, error)) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:                   "reload [--json]",
		DisableFlagsInUseLine: true,
		Short:                 "load the code anew and wait until it serves",
		Long: "reload has a new generation of workers come up beside the old one, and waits until it serves.\n" +
			"When the new code does not come up, the old generation goes on and the exit code is 4.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client()
			if err != nil {
				return err
			}
			result, err := c.Reload(cmd.Context())
			switch {
			case errors.Is(err, control.ErrRefused):
				return failure{exit.Refused, err}
			case err != nil:
				return interrupted(err, "interrupted: the reload goes on")
			}
			if asJSON {
				return writeJSON(p.Stdout, struct {
					V int `json:"v"`
					control.ReloadResult
				}{control.Version, result})
			}
			took := time.Duration(result.Seconds * float64(time.Second)).Round(time.Millisecond)
			_, err = fmt.Fprintf(p.Stdout, "reloaded in %v: generation %d serves\n", took, result.Generation)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as a JSON document")
	return cmd
}
