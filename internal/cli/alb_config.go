package cli

import (
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"fender/internal/exit"
	"fender/internal/proving/alb/config"

	"github.com/spf13/pflag"
)

const albListen = "http://127.0.0.1:8080"

// read makes the balancer's configuration of the file or of the flags.
func (f *albFlags) read(given *pflag.FlagSet) (*config.Config, error) {
	cfg, err := f.base(given)
	if err != nil {
		return nil, err
	}
	if given.Changed("idle-timeout") {
		cfg.LoadBalancer.IdleTimeout = time.Duration(f.idle)
	}
	for _, a := range f.attributes {
		key, value, ok := strings.Cut(a, "=")
		if !ok {
			return nil, usageError(fmt.Sprintf("--attribute %q: write KEY=VALUE", clip(a)))
		}
		if err := cfg.SetAttribute(key, value); err != nil {
			return nil, usageError("--attribute: " + err.Error())
		}
	}
	if !(f.speed > 0) || math.IsInf(f.speed, 0) {
		return nil, usageError(fmt.Sprintf("--speed %v: it must be a number above 0", f.speed))
	}
	for name, value := range map[string]timespan{"connect-timeout": f.connect, "log-every": f.logEvery} {
		if given.Changed(name) && value == 0 {
			return nil, usageError("--" + name + " 0: it must be above 0")
		}
	}
	cfg.Complete()
	if err := cfg.Validate(); err != nil {
		return nil, failure{exit.Problem, err}
	}
	if f.speed != 1 {
		cfg.Hasten(f.speed)
	}
	return cfg, nil
}

// base is the file, or what --listen and --target say.
func (f *albFlags) base(given *pflag.FlagSet) (*config.Config, error) {
	if f.config == "" {
		return f.flat()
	}
	for _, name := range []string{"listen", "target", "certificate", "key", "health-path"} {
		if given.Changed(name) {
			return nil, usageError(fmt.Sprintf("--%s and --config together: the file says it", name))
		}
	}
	cfg, err := config.ReadFile(f.config)
	if err != nil {
		return nil, failure{exit.Problem, err}
	}
	return cfg, nil
}

// flat is one target group behind all listeners.
func (f *albFlags) flat() (*config.Config, error) {
	if len(f.targets) == 0 && f.options.Admin == "" {
		return nil, usageError("nothing to balance: give a --target HOST:PORT, a --config FILE, or --admin to register targets later")
	}
	if (f.certificate == "") != (f.key == "") {
		return nil, usageError("--certificate and --key belong together")
	}
	cfg := config.New("fender-alb")
	g := config.NewTargetGroup("targets")
	g.Port = 80
	for i, t := range f.targets {
		scheme, host, port, err := address(t, "")
		if err != nil {
			return nil, usageError("--target " + err.Error())
		}
		protocol := config.Protocol(strings.ToUpper(scheme))
		if i > 0 && protocol != g.Protocol {
			return nil, usageError(fmt.Sprintf("--target %q beside %q: they are one target group, so either all are https:// or none; --config FILE has several groups", clip(t), clip(f.targets[0])))
		}
		g.Protocol = protocol
		g.Targets = append(g.Targets, config.Target{ID: host, Port: port})
	}
	g.HealthCheck.Enabled, g.HealthCheck.Path = f.healthPath != "", f.healthPath
	if f.healthPath == "" {
		g.HealthCheck.Path = "/"
	}
	cfg.TargetGroups = []config.TargetGroup{g}
	if len(f.listen) == 0 {
		f.listen = []string{albListen}
	}
	for _, text := range f.listen {
		scheme, host, port, err := address(text, "0.0.0.0")
		if err != nil {
			return nil, usageError("--listen " + err.Error())
		}
		l := config.Listener{
			Protocol: config.Protocol(strings.ToUpper(scheme)), Address: host, Port: port,
			DefaultAction: config.Action{Forward: &config.Forward{Groups: []config.WeightedGroup{{TargetGroup: g.Name, Weight: 1}}, StickyTime: time.Hour}},
		}
		if scheme == "https" && f.certificate != "" {
			l.Certificates = []config.Certificate{{CertificateFile: f.certificate, PrivateKeyFile: f.key}}
		}
		cfg.Listeners = append(cfg.Listeners, l)
	}
	if secure := func(l config.Listener) bool { return l.Protocol == config.HTTPS }; f.certificate != "" && !slices.ContainsFunc(cfg.Listeners, secure) {
		return nil, usageError("--certificate without a --listen https://HOST:PORT that needs it")
	}
	return cfg, nil
}

// address reads [http://|https://]HOST:PORT. anyHost stands for a HOST that is not there; "" refuses it.
func address(text, anyHost string) (scheme, host string, port int, err error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "http", text
	}
	if scheme != "http" && scheme != "https" {
		return "", "", 0, fmt.Errorf("%q: %s is neither http nor https", clip(text), clip(scheme))
	}
	host, number, err := net.SplitHostPort(strings.TrimSuffix(rest, "/"))
	if err != nil {
		return "", "", 0, fmt.Errorf("%q: write HOST:PORT", clip(text))
	}
	if host == "" {
		host = anyHost
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || host == "" || anyHost == "" && n == 0 {
		return "", "", 0, fmt.Errorf("%q: %w", clip(text), errors.New("write HOST:PORT"))
	}
	return scheme, host, int(n), nil
}
