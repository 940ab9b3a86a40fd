package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Response is one whole answer.
type Response struct {
	Status int
	Header map[string][]string // names in lower case
	Body   []byte
	Close  bool // the connection ends behind it, as announced
}

// Get returns the first value of a header, named in lower case.
func (r *Response) Get(name string) string {
	if v := r.Header[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Errors that ReadResponse tells apart.
var (
	ErrNoBytes   = errors.New("the connection ended before any byte of the answer")
	ErrTruncated = errors.New("the connection ended inside the answer")
	ErrMalformed = errors.New("malformed answer")
)

// ReadResponse reads one answer, strictly. toHead says that the request was a HEAD.
func ReadResponse(r *bufio.Reader, toHead bool) (*Response, error) {
	if _, err := r.Peek(1); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoBytes, err)
	}
	for {
		res, err := readHead(r)
		if err != nil {
			return nil, err
		}
		if res.Status >= 100 && res.Status < 200 {
			continue
		}
		return res, readBody(r, res, toHead)
	}
}

func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrTruncated, err)
	}
	if !strings.HasSuffix(line, "\r\n") {
		return "", fmt.Errorf("%w: a line ends without CR: %q", ErrMalformed, line)
	}
	return line[:len(line)-2], nil
}

func readHead(r *bufio.Reader) (*Response, error) {
	line, err := readLine(r)
	if err != nil {
		return nil, err
	}
	proto, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if err != nil || !strings.HasPrefix(proto, "HTTP/1.") {
		return nil, fmt.Errorf("%w: status line %q", ErrMalformed, line)
	}
	res := &Response{Status: status, Header: map[string][]string{}, Close: proto == "HTTP/1.0"}
	for {
		line, err := readLine(r)
		if err != nil {
			return nil, err
		}
		if line == "" {
			return res, nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.TrimSpace(name) != name {
			return nil, fmt.Errorf("%w: header line %q", ErrMalformed, line)
		}
		name = strings.ToLower(name)
		res.Header[name] = append(res.Header[name], strings.TrimSpace(value))
		if name == "connection" {
			res.Close = strings.EqualFold(strings.TrimSpace(value), "close")
		}
	}
}

func readBody(r *bufio.Reader, res *Response, toHead bool) error {
	lengths, chunked := res.Header["content-length"], res.Header["transfer-encoding"] != nil
	switch {
	case len(lengths) > 1 || len(lengths) > 0 && chunked:
		return fmt.Errorf("%w: framed twice: %v", ErrMalformed, res.Header)
	case toHead, res.Status == 204, res.Status == 304:
		return nil
	case chunked:
		return readChunks(r, res)
	case len(lengths) == 1:
		n, err := strconv.ParseUint(lengths[0], 10, 40)
		if err != nil {
			return fmt.Errorf("%w: Content-Length %q", ErrMalformed, lengths[0])
		}
		res.Body = make([]byte, n)
		if m, err := io.ReadFull(r, res.Body); err != nil {
			res.Body = res.Body[:m]
			return fmt.Errorf("%w: %d of %d bytes: %w", ErrTruncated, m, n, err)
		}
		return nil
	case !res.Close:
		return fmt.Errorf("%w: neither a length nor Connection: close", ErrMalformed)
	}
	var err error
	res.Body, err = io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTruncated, err)
	}
	return nil
}

func readChunks(r *bufio.Reader, res *Response) error {
	for {
		line, err := readLine(r)
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(line, 16, 40)
		if err != nil {
			return fmt.Errorf("%w: chunk size %q", ErrMalformed, line)
		}
		if n == 0 {
			if line, err = readLine(r); err != nil || line != "" {
				return fmt.Errorf("%w: trailer %q: %w", ErrTruncated, line, err)
			}
			return nil
		}
		at := len(res.Body)
		res.Body = append(res.Body, make([]byte, n)...)
		if m, err := io.ReadFull(r, res.Body[at:]); err != nil {
			res.Body = res.Body[:at+m]
			return fmt.Errorf("%w: inside a chunk: %w", ErrTruncated, err)
		}
		if line, err := readLine(r); err != nil || line != "" {
			return fmt.Errorf("%w: %d bytes and then %q", ErrMalformed, n, line)
		}
	}
}
