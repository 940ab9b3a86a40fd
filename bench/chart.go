package main

import (
	"fmt"
	"html"
	"io"
	"math"
)

// The chart's measures, in pixels.
const (
	chartWidth = 900
	labelWidth = 170
	valueWidth = 190
	barHeight  = 13
	groupGap   = 30
	headHeight = 66
)

// longestBar is the ratio beyond which bars are cut: under recycling they would dwarf all others.
const longestBar = 4

// colours of the bars: ours, the baseline, and all others.
func colour(stack string) string {
	switch stack {
	case "fender", "alb":
		return "#1f6feb"
	case baseline:
		return "#57606a"
	}
	return "#afb8c1"
}

// bar is one stack's requests/s in a workload, as a multiple of the baseline's.
type bar struct {
	stack string
	spread
}

// group are the bars of one workload.
type group struct {
	name string
	bars []bar
}

// groups are the workloads in which the baseline was measured and the rate wasn't given.
func (rep *report) groups() []group {
	var all []group
	for _, l := range rep.Loads {
		if l.Open || !l.has(baseline) {
			continue
		}
		g := group{name: l.Name}
		for _, stack := range l.stacks() {
			if ratio := l.ratio(stack, baseline, quantities[0]); !math.IsNaN(ratio.Median) {
				g.bars = append(g.bars, bar{stack, ratio})
			}
		}
		if len(g.bars) > 0 {
			all = append(all, g)
		}
	}
	return all
}

// svg draws the requests/s of all stacks as bars, with the spread over the rounds as a
// line on each; the file needs nothing else.
func (rep *report) svg(w io.Writer) {
	groups := rep.groups()
	longest, height := 1.0, headHeight
	for _, g := range groups {
		height += groupGap + barHeight*len(g.bars)
		for _, b := range g.bars {
			longest = min(max(longest, b.Max), longestBar)
		}
	}
	height += groupGap
	x := func(ratio float64) float64 {
		return labelWidth + min(ratio, longest)/longest*(chartWidth-labelWidth-valueWidth)
	}
	m := rep.Machine
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="11">`+"\n", chartWidth, height)
	fmt.Fprintf(w, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", chartWidth, height)
	write := func(x, y float64, attributes, text string) {
		fmt.Fprintf(w, `<text x="%.1f" y="%.1f" fill="#1f2328"%s>%s</text>`+"\n", x, y, attributes, html.EscapeString(text))
	}
	write(10, 22, ` font-size="15" font-weight="bold"`, "Requests/s as a multiple of "+title(baseline)+"'s")
	write(10, 40, "", fmt.Sprintf("%d CPUs (%s), Linux %s, %s", m.CPUs, m.Model, m.Kernel, m.Interpreter))
	write(10, 55, "", fmt.Sprintf("%s; medians of %d rounds of %g s, with the least and the largest", m.Time.Format("2006-01-02"), m.Rounds, m.Seconds))
	y := float64(headHeight)
	for _, g := range groups {
		y += groupGap
		write(10, y-6, ` font-weight="bold"`, g.name)
		for _, b := range g.bars {
			middle := y + barHeight/2 - 1
			write(labelWidth-6, middle+4, ` text-anchor="end"`, title(b.stack))
			fmt.Fprintf(w, `<rect x="%d" y="%.1f" width="%.1f" height="%d" fill="%s"/>`+"\n",
				labelWidth, y, max(0, x(b.Median)-labelWidth), barHeight-3, colour(b.stack))
			fmt.Fprintf(w, `<path d="M%.1f %.1fH%.1f" stroke="#1f2328"/>`+"\n", x(b.Min), middle, x(b.Max))
			value := b.format(2)
			if b.Median > longest {
				value = "… " + value
			}
			write(x(b.Max)+5, middle+4, "", value)
			y += barHeight
		}
	}
	fmt.Fprintf(w, `<path d="M%.1f %dV%d" stroke="#57606a" stroke-dasharray="3 3"/>`+"\n", x(1), headHeight, height-groupGap/2)
	fmt.Fprintln(w, "</svg>")
}
