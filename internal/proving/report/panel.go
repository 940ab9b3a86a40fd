package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// begin draws a panel's name, its largest value and its ground line, and returns its vertical scale.
func (c *chart) begin(height, most float64, name, label string) (scale func(float64) float64) {
	top, ground := c.y+6, c.y+height-4
	c.draw(`<text class="label" x="%.1f" y="%.1f">%s</text>`, c.left-6, top+9, label)
	c.draw(`<text class="label name" x="%.1f" y="%.1f">%s</text>`, c.left-6, ground, html.EscapeString(name))
	c.draw(`<line class="ground" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, c.left, ground, c.width-6, ground)
	c.y += height
	if most <= 0 {
		most = 1
	}
	return func(v float64) float64 { return ground - (ground-top)*math.Min(1, v/most) }
}

func (c *chart) throughput(r *Row) {
	most := 0.0
	for _, b := range r.Series {
		most = math.Max(most, float64(b.OK+b.Failed)/b.Width)
	}
	y := c.begin(110, most, "req/s", count(most))
	for _, b := range r.Series {
		if b.OK == 0 {
			continue
		}
		x, w := c.x(b.At), math.Max(0.6, c.x(b.At+b.Width)-c.x(b.At)-0.4)
		c.draw(`<rect class="ok" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%.1f s: %d answered</title></rect>`,
			x, y(float64(b.OK)/b.Width), w, y(0)-y(float64(b.OK)/b.Width), b.At, b.OK)
	}
}

func (c *chart) failures(r *Row) {
	most, all := 0.0, 0
	for _, b := range r.Series {
		most = math.Max(most, float64(b.Failed)/b.Width)
		all += b.Failed
	}
	if all == 0 {
		c.begin(26, 1, "failed", "")
		return
	}
	y := c.begin(56, most, "failed/s", count(most))
	for _, b := range r.Series {
		if b.Failed == 0 {
			continue
		}
		height := math.Max(4, y(0)-y(float64(b.Failed)/b.Width)) // one failure can be seen
		x, w := c.x(b.At), math.Max(2, c.x(b.At+b.Width)-c.x(b.At)-0.4)
		c.draw(`<rect class="failed" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%.1f s: %d failed</title></rect>`,
			x, y(0)-height, w, height, b.At, b.Failed)
	}
}

func (c *chart) workers(r *Row) {
	most := 0.0
	for _, b := range r.Series {
		most = math.Max(most, float64(b.Workers))
	}
	y := c.begin(64, most, "workers", count(most))
	var path strings.Builder
	for i, b := range r.Series {
		if i == 0 {
			fmt.Fprintf(&path, "M%.1f %.1f", c.x(b.At), y(float64(b.Workers)))
		}
		fmt.Fprintf(&path, "V%.1fH%.1f", y(float64(b.Workers)), c.x(b.At+b.Width))
	}
	if path.Len() > 0 {
		c.draw(`<path class="workers" d="%s"/>`, path.String())
	}
}

// marks is how many events a lane shows one by one.
const marks = 3000

// lane draws a tick for each event of the kind.
func (c *chart) lane(kind, name string, events []Event) {
	const height = 16
	c.draw(`<text class="label name" x="%.1f" y="%.1f">%s</text>`, c.left-6, c.y+11, name)
	drawn := 0
	for _, e := range events {
		if e.Kind != kind || drawn == marks {
			continue
		}
		drawn++
		c.draw(`<rect class="mark %s" x="%.1f" y="%.1f" width="2.4" height="%d" rx="1"><title>%.2f s: %s</title></rect>`,
			kind, c.x(e.At)-1.2, c.y+2, height-4, e.At, html.EscapeString(e.Text))
	}
	c.y += height
}

// lines draws one measure of the samples.
func (c *chart) lines(class, name string, samples []Sample, of func(Sample) float64, format func(float64) string) {
	most := 0.0
	for _, s := range samples {
		most = math.Max(most, of(s))
	}
	y := c.begin(48, most, name, format(most))
	var path strings.Builder
	for i, s := range samples {
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], c.x(s.At), y(of(s)))
	}
	if path.Len() > 0 {
		c.draw(`<path class="line %s" d="%s"/>`, class, path.String())
	}
}
