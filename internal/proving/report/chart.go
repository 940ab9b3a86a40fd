package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// chart draws one row's timeline as SVG. All panels share one time axis.
type chart struct {
	b       strings.Builder
	width   float64
	left    float64 // of the panels
	y       float64 // where the next panel begins
	seconds float64 // the whole axis
}

// Widths of the two drawings on the page: one for a desk, one for a phone. A drawing that is
// shrunk to a phone's width could not be read.
const (
	wide   = 1040
	narrow = 360
)

// Timeline draws the row's timeline for that width.
func (r *Row) Timeline(width float64) string {
	c := &chart{width: width, left: 50, seconds: r.seconds()}
	c.y = 26
	top := c.y
	c.throughput(r)
	c.failures(r)
	c.workers(r)
	c.lane("born", "born", r.Events)
	c.lane("dead", "died", r.Events)
	if len(r.Done) > 0 {
		c.lane("done", "done", r.Events)
	}
	c.lines("threads", "PIDs", r.Samples, func(s Sample) float64 { return float64(s.Threads) }, count)
	c.lines("memory", "MiB", r.Samples, func(s Sample) float64 { return float64(s.Memory) / (1 << 20) }, count)
	c.lines("cpu", "CPUs", r.Samples, func(s Sample) float64 { return s.CPU }, func(v float64) string { return fmt.Sprintf("%.1f", v) })
	bottom := c.y
	c.axis()

	var out strings.Builder
	fmt.Fprintf(&out, `<svg class="timeline" viewBox="0 0 %g %g" width="%g" height="%g" role="img" aria-label="%s">`,
		c.width, c.y, c.width, c.y, html.EscapeString("timeline of "+r.Title))
	c.phases(&out, r, top, bottom)
	out.WriteString(c.b.String())
	out.WriteString("</svg>")
	return out.String()
}

// seconds is the length of the row's axis, never 0.
func (r *Row) seconds() float64 {
	end := 1.0
	for _, p := range r.Phases {
		end = math.Max(end, p.To)
	}
	for _, b := range r.Series {
		end = math.Max(end, b.At+b.Width)
	}
	for _, s := range r.Samples {
		end = math.Max(end, s.At)
	}
	for _, e := range r.Events {
		end = math.Max(end, e.At)
	}
	return end
}

func (c *chart) x(t float64) float64 {
	return c.left + (c.width-c.left-6)*math.Max(0, math.Min(1, t/c.seconds))
}

func (c *chart) draw(format string, args ...any) { fmt.Fprintf(&c.b, format, args...) }

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

// axis writes the seconds below the panels.
func (c *chart) axis() {
	step := round(c.seconds / (c.width / 110))
	for t := 0.0; t <= c.seconds*1.0001; t += step {
		class, x := "label tick", c.x(t)
		if x > c.width-30 { // it would run over the edge
			class, x = "label", c.width-4
		}
		c.draw(`<text class="%s" x="%.1f" y="%.1f">%s</text>`, class, x, c.y+14, trim(t)+" s")
	}
	c.y += 22
}

// phases shades every second phase and writes the names above.
func (c *chart) phases(out *strings.Builder, r *Row, top, bottom float64) {
	for i, p := range r.Phases {
		from, to := c.x(p.From), c.x(p.To)
		fmt.Fprintf(out, `<rect class="phase p%d" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s</title></rect>`,
			i%2, from, top-4, math.Max(0, to-from), bottom-top+6, html.EscapeString(p.Name+": "+p.Load+", "+p.Ended))
		fmt.Fprintf(out, `<line class="edge" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, from, 4.0, from, bottom)
		for _, text := range []string{p.Name + " · " + p.Load, p.Name, p.Load} {
			if float64(len([]rune(text)))*6.2 < to-from-8 {
				fmt.Fprintf(out, `<text class="phasename" x="%.1f" y="15">%s</text>`, from+5, html.EscapeString(text))
				break
			}
		}
	}
}

func count(v float64) string {
	if v < 10 && v != math.Trunc(v) {
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// round is the nearest step of 1, 2 or 5 that is not smaller.
func round(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= v*0.9999 {
			return n * power
		}
	}
	return 10 * power
}

func trim(v float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
}
