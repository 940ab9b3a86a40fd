package config

import "fmt"

// SetAttribute sets an attribute of the load balancer, or of all its target groups, by AWS's name.
func (c *Config) SetAttribute(name, value string) error {
	for _, a := range loadBalancerAttributes {
		if a.name == name {
			return named(name, a.read(&c.LoadBalancer, value))
		}
	}
	known := map[string]bool{}
	for _, a := range loadBalancerAttributes {
		known[a.name] = true
	}
	for _, a := range targetGroupAttributes {
		known[a.name] = true
		if a.name != name {
			continue
		}
		if scratch := NewTargetGroup(""); len(c.TargetGroups) == 0 {
			return named(name, a.read(&scratch, value))
		}
		for i := range c.TargetGroups {
			if err := a.read(&c.TargetGroups[i], value); err != nil {
				return named(name, err)
			}
		}
		return nil
	}
	return fmt.Errorf("%q is no attribute of a load balancer or a target group%s", name, didYouMean(name, known))
}

func named(name string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
