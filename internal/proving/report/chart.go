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
