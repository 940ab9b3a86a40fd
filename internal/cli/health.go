package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fender/internal/exit"

	"github.com/spf13/cobra"
)

// healthTimeout is below the 3 to 5 s that container runtimes usually give a health check.
const healthTimeout = 2 * time.Second

func newHealth(p *Process) *cobra.Command {
	var address string
	timeout := duration(healthTimeout)
	cmd := &cobra.Command{
		Use:                   "health [--url URL] [--timeout TIME]",
		DisableFlagsInUseLine: true,
		Short:                 "ask a running fender whether it is well: exit 0 or 1",
		Long: "health asks /healthz of the server, as a load balancer does, and exits with 0 when it says yes.\n" +
			"Without --url it asks http://127.0.0.1:8000/healthz, or the port that $PORT names.",
		Example: "  HEALTHCHECK CMD [\"fender\", \"health\"]\n" +
			"  fender health --url http://127.0.0.1:9191/readyz   the admin server: also 1 while draining",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			target, err := healthURL(address, p.Getenv("PORT"))
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), time.Duration(timeout))
			defer cancel()
			if err := askHealth(ctx, target); err != nil {
				return fmt.Errorf("%s: %w", target, err)
			}
			_, err = fmt.Fprintln(p.Stdout, "healthy: "+target)
			return err
		},
	}
	cmd.Flags().StringVar(&address, "url", "", "what to ask; without a path, /healthz of that `URL`")
	cmd.Flags().Var(&timeout, "timeout", "the longest wait")
	return cmd
}

// healthURL is what to ask: address, which may lack scheme and path, or loopback and the port.
func healthURL(address, port string) (string, error) {
	if address == "" {
		if port == "" {
			port = "8000"
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", usageError(fmt.Sprintf("$PORT is %q, which is no port: set it right or use --url", clip(port)))
		}
		address = "127.0.0.1:" + port
	}
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", usageError(fmt.Sprintf("--url %q is not a URL: write http://host:port/healthz", clip(address)))
	}
	if u.Path == "" {
		u.Path = "/healthz"
	}
	return u.String(), nil
}

// askHealth returns nil when the answer is 2xx. It uses no proxy, whatever the environment says,
// and follows no redirect: a healthy fender sends none.
func askHealth(ctx context.Context, target string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	req.Close = true
	transport := &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
	resp, err := transport.RoundTrip(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("nothing listens there: is fender running, and on this address? --url names another")
	case err != nil:
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 200)) // a reason is welcome, none is needed
		return failure{exit.Problem, fmt.Errorf("unhealthy, it answers %s %s", resp.Status, strconv.Quote(strings.TrimSpace(string(why))))}
	}
	return nil
}
