package siege

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// Resolver finds the addresses of a host; net.DefaultResolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// RemoteError says that a target is not on this machine.
type RemoteError struct {
	Host string
	Addr netip.Addr
}

func (e *RemoteError) Error() string {
	where := e.Addr.String()
	if e.Host != where {
		where = e.Host + " (" + where + ")"
	}
	return "siege puts load on " + where + ", which is not this machine"
}

// Resolve finds the addresses of all requests, once: the run connects to these and no others. One
// that is not loopback is an error unless remote is true.
func Resolve(ctx context.Context, r Resolver, requests []*Request, remote bool) error {
	known := map[string][]netip.Addr{}
	for _, q := range requests {
		host := q.origin.host
		if known[host] == nil {
			addrs, err := lookup(ctx, r, host)
			if err != nil {
				return err
			}
			known[host] = addrs
		}
		q.addrs = nil
		for _, a := range known[host] {
			if !a.IsLoopback() && !a.IsUnspecified() && !remote {
				return &RemoteError{host, a}
			}
			q.addrs = append(q.addrs, netip.AddrPortFrom(a, q.origin.port))
		}
	}
	return nil
}

func lookup(ctx context.Context, r Resolver, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	addrs, err := r.LookupNetIP(ctx, "ip", host)
	if err == nil && len(addrs) == 0 {
		err = fmt.Errorf("no address")
	}
	if err != nil {
		why := err.Error()
		if de, ok := err.(*net.DNSError); ok { //nolint:errorlint // only its own text is shorter
			why = de.Err
		}
		return nil, fmt.Errorf("the host %s is not known: %s", host, why)
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, nil
}
