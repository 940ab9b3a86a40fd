package config

// New is a load balancer of that name with AWS's defaults, without listeners and target groups.
func New(name string) *Config { panic("not built yet") }

// NewTargetGroup is a target group with AWS's defaults.
func NewTargetGroup(name string) TargetGroup { panic("not built yet") }

// Read reads a configuration in YAML, completes and validates it. file is its name in errors.
func Read(file string, yaml []byte) (*Config, error) { panic("not built yet") }

// Complete fills in what follows from the rest: ids, ARNs, ports of targets, which groups are used.
// Who builds a Config by hand calls it, then Validate.
func (c *Config) Complete() { panic("not built yet") }

// Validate says all that is wrong, joined.
func (c *Config) Validate() error { panic("not built yet") }

// Hasten divides all durations, as the lab's --speed wants it. The ranges no longer hold then.
func (c *Config) Hasten(by float64) { panic("not built yet") }

// ARN is the load balancer's.
func (c *Config) ARN() string { panic("not built yet") }

// Resource is the load balancer as access logs name it: app/<name>/<id>.
func (c *Config) Resource() string { return "app/" + c.Name + "/" + c.ID }

// DNSName is the Host of HTTP/1.0 requests that have none.
func (c *Config) DNSName() string { panic("not built yet") }
