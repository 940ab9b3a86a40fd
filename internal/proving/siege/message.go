package siege

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Headers is what every request carries besides what it must.
type Headers struct {
	Lines       []string // "Name: value"; one that is sent anyway is replaced
	UserAgent   string
	ContentType string // of bodies, application/x-www-form-urlencoded
	Close       bool   // ask for a connection for each request, as siege does by default
}

type field struct{ name, value string }

// write makes the bytes of the request.
func (r *Request) write(h Headers) error {
	if err := h.Check(); err != nil {
		return err
	}
	fields := []field{{"Host", r.origin.hostHeader()}, {"Accept", "*/*"}, {"User-Agent", h.UserAgent}}
	if h.Close {
		fields = append(fields, field{"Connection", "close"})
	}
	if r.auth != nil {
		password, _ := r.auth.Password()
		fields = append(fields, field{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(r.auth.Username()+":"+password))})
	}
	if r.Body != nil || r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		fields = append(fields, field{"Content-Type", h.ContentType}, field{"Content-Length", strconv.Itoa(len(r.Body))})
	}
	for _, line := range h.Lines {
		f, err := parseField(line)
		if err != nil {
			return err
		}
		fields = set(fields, f)
		r.waits = r.waits || strings.EqualFold(f.name, "Expect") && strings.EqualFold(f.value, "100-continue") && len(r.Body) > 0
	}
	r.closes = slices.ContainsFunc(fields, func(f field) bool { return strings.EqualFold(f.name, "Connection") && asksForClose(f.value) })
	head := r.Method + " " + r.target + " HTTP/1.1\r\n"
	for _, f := range fields {
		head += f.name + ": " + f.value + "\r\n"
	}
	head += "\r\n"
	r.whole = append([]byte(head), r.Body...)
	r.head = r.whole[:len(head):len(head)]
	return nil
}

func asksForClose(value string) bool {
	var h head
	h.connection([]byte(value))
	return h.close
}

// singles are the fields of which a given one replaces the one that is sent anyway.
var singles = []string{"host", "accept", "user-agent", "connection", "authorization", "content-type"}

// set replaces a field that there can be but once, and adds others.
func set(fields []field, f field) []field {
	if slices.Contains(singles, strings.ToLower(f.name)) {
		for i := range fields {
			if strings.EqualFold(fields[i].name, f.name) {
				fields[i] = f
				return fields
			}
		}
	}
	return append(fields, f)
}

// ends are what no value of a header holds.
const ends = "\r\n\x00"

func parseField(line string) (field, error) {
	name, value, ok := strings.Cut(line, ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch {
	case !ok || name == "":
		return field{}, fmt.Errorf("-H %q: a header is Name: value", line)
	case strings.ContainsFunc(name, func(c rune) bool { return !isToken(c) }):
		return field{}, fmt.Errorf("-H %q: %q is no name of a header", line, name)
	case strings.EqualFold(name, "Content-Length"), strings.EqualFold(name, "Transfer-Encoding"):
		return field{}, fmt.Errorf("-H %q: the framing of a request is made of its body", line)
	case strings.ContainsAny(value, ends):
		return field{}, fmt.Errorf("-H %q: a value has no line ends", line)
	}
	return field{name, value}, nil
}

func isToken(c rune) bool {
	return c > ' ' && c < 0x7f && !strings.ContainsRune("\"(),/:;<=>?@[\\]{}", c)
}

// Check says what is wrong with headers that were given.
func (h *Headers) Check() error {
	for _, line := range h.Lines {
		if _, err := parseField(line); err != nil {
			return err
		}
	}
	for _, value := range []string{h.UserAgent, h.ContentType} {
		if strings.ContainsAny(value, ends) {
			return fmt.Errorf("%q: a User-Agent or Content-Type has no line ends", value)
		}
	}
	return nil
}
