package config

import "time"

// The attributes of a load balancer and of a target group: names, ranges and words are AWS's.

var loadBalancerAttributes = []attribute[LoadBalancer]{
	seconds("idle_timeout.timeout_seconds", 1, 4000, func(l *LoadBalancer) *time.Duration { return &l.IdleTimeout }),
	seconds("client_keep_alive.seconds", 60, 604800, func(l *LoadBalancer) *time.Duration { return &l.ClientKeepAlive }),
	oneOf("routing.http.desync_mitigation_mode", func(l *LoadBalancer) *DesyncMode { return &l.Desync },
		DesyncMonitor, DesyncDefensive, DesyncStrictest),
	boolean("routing.http.drop_invalid_header_fields.enabled", func(l *LoadBalancer) *bool { return &l.DropInvalidHeaderFields }),
	boolean("routing.http.preserve_host_header.enabled", func(l *LoadBalancer) *bool { return &l.PreserveHostHeader }),
	boolean("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", func(l *LoadBalancer) *bool { return &l.TLSHeaders }),
	boolean("routing.http.xff_client_port.enabled", func(l *LoadBalancer) *bool { return &l.XFFClientPort }),
	oneOf("routing.http.xff_header_processing.mode", func(l *LoadBalancer) *XFFMode { return &l.XFF },
		XFFAppend, XFFPreserve, XFFRemove),
	boolean("routing.http2.enabled", func(l *LoadBalancer) *bool { return &l.HTTP2 }),

	boolean("access_logs.s3.enabled", func(l *LoadBalancer) *bool { return &l.AccessLogs.Enabled }),
	words("access_logs.s3.bucket", func(l *LoadBalancer) *string { return &l.AccessLogs.Bucket }),
	words("access_logs.s3.prefix", func(l *LoadBalancer) *string { return &l.AccessLogs.Prefix }),
	boolean("connection_logs.s3.enabled", func(l *LoadBalancer) *bool { return &l.ConnectionLogs.Enabled }),
	words("connection_logs.s3.bucket", func(l *LoadBalancer) *string { return &l.ConnectionLogs.Bucket }),
	words("connection_logs.s3.prefix", func(l *LoadBalancer) *string { return &l.ConnectionLogs.Prefix }),
	boolean("health_check_logs.s3.enabled", func(l *LoadBalancer) *bool { return &l.HealthCheckLogs.Enabled }),
	words("health_check_logs.s3.bucket", func(l *LoadBalancer) *string { return &l.HealthCheckLogs.Bucket }),
	words("health_check_logs.s3.prefix", func(l *LoadBalancer) *string { return &l.HealthCheckLogs.Prefix }),

	inert[LoadBalancer]("waf.fail_open.enabled", "there is no web application firewall here", "false"),
	inert[LoadBalancer]("zonal_shift.config.enabled", "there is one zone here, so nothing can be shifted away", "false"),
	inert[LoadBalancer]("load_balancing.cross_zone.enabled", "an Application Load Balancer always balances across zones", "true"),
	inert[LoadBalancer]("deletion_protection.enabled", "nothing here can be deleted, so nothing protects from it", "false"),
	inert[LoadBalancer]("ipv6.deny_all_igw_traffic", "there is no internet gateway here", "false"),
}

var targetGroupAttributes = []attribute[TargetGroup]{
	seconds("deregistration_delay.timeout_seconds", 0, 3600, func(g *TargetGroup) *time.Duration { return &g.DeregistrationDelay }),
	seconds("slow_start.duration_seconds", 30, 900, func(g *TargetGroup) *time.Duration { return &g.SlowStart }, 0),
	oneOf("load_balancing.algorithm.type", func(g *TargetGroup) *Algorithm { return &g.Algorithm },
		RoundRobin, LeastRequests, WeightedRandom),
	{name: "load_balancing.algorithm.anomaly_mitigation", read: func(g *TargetGroup, text string) (err error) {
		g.AnomalyMitigation, err = parseOn(text)
		return err
	}},
	boolean("stickiness.enabled", func(g *TargetGroup) *bool { return &g.Stickiness.Enabled }),
	oneOf("stickiness.type", func(g *TargetGroup) *StickinessType { return &g.Stickiness.Type }, LBCookie, AppCookie),
	seconds("stickiness.lb_cookie.duration_seconds", 1, 604800, func(g *TargetGroup) *time.Duration { return &g.Stickiness.LBDuration }),
	seconds("stickiness.app_cookie.duration_seconds", 1, 604800, func(g *TargetGroup) *time.Duration { return &g.Stickiness.AppDuration }),
	words("stickiness.app_cookie.cookie_name", func(g *TargetGroup) *string { return &g.Stickiness.CookieName }),
	threshold("target_group_health.dns_failover.minimum_healthy_targets.count", 1000,
		func(g *TargetGroup) *int { return &g.DNSFailover.Count }),
	threshold("target_group_health.dns_failover.minimum_healthy_targets.percentage", 100,
		func(g *TargetGroup) *int { return &g.DNSFailover.Percent }),
	threshold("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", 1000,
		func(g *TargetGroup) *int { return &g.UnhealthyRouting.Count }),
	threshold("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", 100,
		func(g *TargetGroup) *int { return &g.UnhealthyRouting.Percent }),

	inert[TargetGroup]("load_balancing.cross_zone.enabled", "there is one zone here, so cross-zone balancing cannot be turned off",
		"true", "use_load_balancer_configuration"),
	inert[TargetGroup]("lambda.multi_value_headers.enabled", "Lambda functions cannot be targets here", "false"),
}
