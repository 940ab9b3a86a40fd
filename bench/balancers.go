package main

import (
	"os/exec"
	"path/filepath"

	"fender/internal/proving/up"
)

// balancers are the stacks that stand before an NGINX with a fixed answer.
func balancers(set settings) []stack {
	inBench := func(name string) string { return filepath.Join(set.root, "bench", name) }
	return []stack{{
		name: "alb", title: "fender alb", balances: true,
		missing: func() string { return absent(set.fender, "nginx") },
		version: map[string][]string{"fender": {set.fender, "version"}},
		commands: func(p place) ([]*exec.Cmd, error) {
			origin, address, err := p.origin(inBench("origin.conf"))
			if err != nil {
				return nil, err
			}
			return []*exec.Cmd{origin, exec.Command(set.fender, "alb", "--listen", p.address, "--target", address, "--health-path", "")}, nil
		},
		front: func(comm string) bool { return comm == "fender" },
	}, {
		name: "haproxy", title: "HAProxy", balances: true,
		missing: func() string { return absent("haproxy", "nginx") },
		version: map[string][]string{"HAProxy": {"haproxy", "-v"}},
		commands: func(p place) ([]*exec.Cmd, error) {
			origin, address, err := p.origin(inBench("origin.conf"))
			if err != nil {
				return nil, err
			}
			conf, err := p.fill(inBench("haproxy.cfg"), "${ADDRESS}", p.address, "${ORIGIN}", address)
			if err != nil {
				return nil, err
			}
			return []*exec.Cmd{origin, exec.Command("haproxy", "-db", "-f", conf)}, nil
		},
		front: func(comm string) bool { return comm == "haproxy" },
	}}
}

// origin is an NGINX with a fixed answer, and its address.
func (p place) origin(path string) (*exec.Cmd, string, error) {
	address, err := up.Address()
	if err != nil {
		return nil, "", err
	}
	cmd, err := p.nginx(path, "${ORIGIN}", address)
	return cmd, address, err
}
