package cli

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
)

// checkTarget refuses options that would be without effect, and somebody else's machine unless
// --allow-remote says that it is meant.
func (f *labFlags) checkTarget(ctx context.Context, given func(string) bool) error {
	if f.target == "" {
		for _, name := range []string{"allow-remote", "bound"} {
			if given(name) {
				return usageError("--" + name + " belongs to --target URL")
			}
		}
		return nil
	}
	for _, name := range []string{"stacks", "stress", "fin-delay"} { // of the servers and the balancer
		if given(name) {
			return usageError("--" + name + " and --target: one of them")
		}
	}
	u, err := url.Parse(f.target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return usageError(fmt.Sprintf("--target %q is not a URL: write http://host:port/path", clip(f.target)))
	}
	if f.remote {
		return nil
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(addresses, func(a netip.Addr) bool { return !a.Unmap().IsLoopback() }); i >= 0 {
		where := u.Hostname()
		if at := addresses[i].Unmap().String(); at != where {
			where += " (" + at + ")"
		}
		return usageError(where + ", which the lab would put load on, is not this machine: --allow-remote says that it is yours, or that you may")
	}
	return nil
}
