package alb

import (
	"fmt"
	"strings"

	"fender/internal/proving/alb/accesslog"
	"fender/internal/proving/alb/admin"
	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/group"
)

func (b *Balancer) open() error {
	if err := b.openLogs(); err != nil {
		return err
	}
	for _, c := range b.cfg.TargetGroups {
		if b.o.Classic {
			c.Algorithm, c.SlowStart = config.LeastRequests, 0
		}
		s := &service{
			bal: b, arn: c.ARN, http2: c.ProtocolVersion == config.HTTP2, tls: c.Protocol == config.HTTPS,
			sticky: c.Stickiness.Enabled, pools: map[uint64]*pool{},
			group: group.New(c, group.Options{
				Metrics: b.metrics, HealthLog: b.healthLog, LoadBalancer: b.resource, Node: b.cfg.Node, PropagationLag: b.o.PropagationLag,
				HealthyOnly: b.o.Classic,
			}),
		}
		s.metrics = s.group.Metrics()
		b.services[c.Name] = s
		b.groups = append(b.groups, s.group)
	}
	for i := range b.cfg.Listeners {
		l, err := b.listen(&b.cfg.Listeners[i])
		if err != nil {
			return err
		}
		b.listeners = append(b.listeners, l)
	}
	if b.o.Admin != "" {
		l, err := admin.Listen(b.o.Admin)
		if err != nil {
			return err
		}
		b.admin = l
	}
	return nil
}

func (b *Balancer) openLogs() error {
	for _, log := range []struct {
		to          **accesslog.Log
		sink        accesslog.Sink
		destination string
		kind        accesslog.Kind
		delivery    config.LogDelivery
	}{
		{&b.accessLog, b.o.accessLog, b.o.AccessLog, accesslog.AccessLog, b.lb.AccessLogs},
		{&b.connLog, b.o.connLog, b.o.ConnectionLog, accesslog.ConnectionLog, b.lb.ConnectionLogs},
		{&b.healthLog, nil, b.o.HealthLog, accesslog.HealthLog, b.lb.HealthCheckLogs},
	} {
		warn := func(err error) { fmt.Fprintf(b.o.Warnings, "fender: warning: %s: %v\n", log.kind.Name(), err) }
		if log.sink != nil {
			*log.to = accesslog.New(log.sink, warn)
			continue
		}
		destination := log.destination
		if destination == "" && log.delivery.Enabled {
			destination = strings.TrimSuffix(log.delivery.Bucket, "/") + "/"
		}
		if destination == "" {
			continue
		}
		sink, err := accesslog.Open(destination, accesslog.Layout{
			Prefix: log.delivery.Prefix, Kind: log.kind, Account: b.cfg.Account, Region: b.cfg.Region,
			LoadBalancer: b.resource, Node: b.node, Every: b.o.LogEvery,
		})
		if err != nil {
			return err
		}
		*log.to = accesslog.New(sink, warn)
	}
	return nil
}
