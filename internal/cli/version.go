package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

func newVersion(p *Process) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:                   "version [--json]",
		Short:                 "print the version",
		Args:                  noArgs,
		DisableFlagsInUseLine: true,
		RunE: func(*cobra.Command, []string) error {
			return printVersion(p, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as a JSON document")
	return cmd
}

func printVersion(p *Process, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintf(p.Stdout, "fender %s (%s, %s/%s)\n", p.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return err
	}
	return writeJSON(p.Stdout, struct {
		V       int    `json:"v"`
		Version string `json:"version"`
		Go      string `json:"go"`
		OS      string `json:"os"`
		Arch    string `json:"arch"`
	}{1, p.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH})
}

// writeJSON prints a document for people and programs alike.
func writeJSON(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}
