package report

import (
	"bytes"
	_ "embed"
	"html/template"
	"strings"
)

//go:embed page.html
var page string

//go:embed page.css
var style string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"seconds": Seconds, "available": Count.percent, "counts": Counts, "join": strings.Join,
	"css": func() template.CSS { return template.CSS(style) },
	// Timeline escapes every text that it writes.
	"wide":   func(r *Row) template.HTML { return template.HTML(r.Timeline(wide)) },
	"narrow": func(r *Row) template.HTML { return template.HTML(r.Timeline(narrow)) },
	"steps":  func(chain string) []string { return strings.Split(chain, " -> ") },
	"mib":    func(n int64) int64 { return n >> 20 },
	"ran":    func(o Outcome) bool { return o != Skipped },
	"class":  func(o Outcome) string { return strings.ReplaceAll(string(o), " ", "-") },
	"ref":    func(r []Row) []*Row { return pointers(r) },
}).Parse(page))

func pointers(rows []Row) []*Row {
	var all []*Row
	for i := range rows {
		all = append(all, &rows[i])
	}
	return all
}

// HTML is the page: one file, which needs nothing else.
func (r *Result) HTML() ([]byte, error) {
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, r)
	return b.Bytes(), err
}
