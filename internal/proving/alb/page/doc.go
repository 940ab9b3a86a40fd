// Package page makes the answers that the load balancer gives itself, byte for byte as an Application
// Load Balancer does: header order, nginx's words, and the padding that some browsers get. It is pure.
package page

import (
	"bytes"
	"strconv"
)

// server is the Server header of everything that the balancer says itself.
const server = "awselb/2.0"

// Page is an answer of the balancer's own.
type Page struct {
	Status      int
	Body        []byte // of a fixed response; nil means the page of the status
	ContentType string // of Body
	Location    string // of a redirect
	Note        string // in place of the status in the title, and below it: the plain HTTP page
	UserAgent   []byte // of the client: it decides about the padding
	Head        bool   // the answer to a HEAD: no body
	KeepAlive   bool
	Bare        bool // HTTP/0.9: the body alone
	Date        []byte
	Classic     bool // as a Classic Load Balancer says it
}

// PlainHTTP is the note of the 400 that plain HTTP gets at an HTTPS listener.
const PlainHTTP = "The plain HTTP request was sent to HTTPS port"

// Reason is the reason phrase, as nginx spells it; "" where nginx has none.
func Reason(status int) string { return reasons[status] }

var reasons = map[int]string{
	200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content",
	301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect",
	400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Not Allowed",
	406: "Not Acceptable", 408: "Request Time-out", 409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed",
	413: "Request Entity Too Large", 414: "Request-URI Too Large", 415: "Unsupported Media Type", 416: "Requested Range Not Satisfiable",
	421: "Misdirected Request", 429: "Too Many Requests",
	500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Temporarily Unavailable",
	504: "Gateway Time-out", 505: "HTTP Version Not Supported", 507: "Insufficient Storage",
}

// Closes says whether the balancer closes the client's connection behind an answer of its own with this
// status: it does not trust what follows on the connection.
func Closes(status int) bool {
	switch status {
	case 400, 408, 413, 414, 500, 501, 505:
		return true
	}
	return false
}

// HTML is the body of the status's page for this client, as it goes over HTTP/1 and HTTP/2 alike.
func (p *Page) HTML(b []byte) []byte {
	title := strconv.Itoa(p.Status) + " " + Reason(p.Status)
	heading := title
	if p.Note != "" {
		title = strconv.Itoa(p.Status) + " " + p.Note
	}
	b = append(b, "<html>\r\n<head><title>"...)
	b = append(b, title...)
	b = append(b, "</title></head>\r\n<body>\r\n<center><h1>"...)
	b = append(b, heading...)
	b = append(b, "</h1></center>\r\n"...)
	if p.Note != "" {
		b = append(b, "<center>"...)
		b = append(b, p.Note...)
		b = append(b, "</center>\r\n"...)
	}
	b = append(b, "</body>\r\n</html>\r\n"...)
	if p.Status >= 400 && padded(p.UserAgent) {
		for range 6 {
			b = append(b, "<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n"...)
		}
	}
	return b
}

// padded says whether nginx, of whose kind the balancer is, takes the browser for one that shows a page
// of its own in place of a short one.
func padded(agent []byte) bool {
	return bytes.Contains(agent, []byte("Chrome/")) ||
		bytes.Contains(agent, []byte("MSIE ")) && !bytes.Contains(agent, []byte("Opera"))
}

// Content is the answer's body and its type.
func (p *Page) Content() (body []byte, contentType string) {
	if p.Body != nil || p.ContentType != "" {
		return p.Body, p.ContentType
	}
	return p.HTML(make([]byte, 0, 640)), "text/html"
}

// Append appends the answer as it goes over HTTP/1.1.
func (p *Page) Append(b []byte) []byte {
	if p.Classic && p.Body == nil && p.ContentType == "" && p.Location == "" {
		return p.classic(b)
	}
	body, kind := p.Content()
	if p.Bare {
		return append(b, body...)
	}
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(p.Status), 10)
	b = append(b, ' ')
	b = append(b, Reason(p.Status)...)
	b = append(b, "\r\nServer: "+server+"\r\nDate: "...)
	b = append(b, p.Date...)
	if kind != "" {
		b = append(b, "\r\nContent-Type: "...)
		b = append(b, kind...)
	}
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	if p.KeepAlive {
		b = append(b, "\r\nConnection: keep-alive"...)
	} else {
		b = append(b, "\r\nConnection: close"...)
	}
	if p.Location != "" {
		b = append(b, "\r\nLocation: "...)
		b = append(b, p.Location...)
	}
	b = append(b, "\r\n\r\n"...)
	if p.Head {
		return b
	}
	return append(b, body...)
}

// AppendDate appends a Date header's value, 29 bytes.
func AppendDate(b []byte, t interface{ AppendFormat([]byte, string) []byte }) []byte {
	return t.AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 GMT")
}
