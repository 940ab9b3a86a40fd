// Package metric counts by the names that CloudWatch has for an Application Load Balancer, for the load
// balancer and for each target group. It owns the numbers only; who serves them is admin.
package metric

// Set is the numbers of the load balancer or of a target group. A nil Set counts nothing.
type Set struct{}

// New is the set of a load balancer.
func New() *Set { panic("not built yet") }

// TargetGroup is the set of a target group. What is added there counts for the load balancer as well.
func (s *Set) TargetGroup(name string) *Set { panic("not built yet") }

// Add counts.
func (s *Set) Add(n Name, by int64) { panic("not built yet") }

// Observe adds a measurement in seconds: TargetResponseTime.
func (s *Set) Observe(n Name, seconds float64) { panic("not built yet") }

// Store sets a gauge: HealthyHostCount and the like. The load balancer's is the sum of its groups'.
func (s *Set) Store(n Name, v int64) { panic("not built yet") }

// Status counts a status code under prefix HTTPCode_ELB_ (made by the balancer, also those with a
// name of their own: 500, 502, 503, 504) or HTTPCode_Target_.
func (s *Set) Status(code int, fromTarget bool) { panic("not built yet") }
