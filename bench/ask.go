package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// ask sends the workload's request once, on a connection of its own, and returns the body.
func (r *running) ask(ctx context.Context) (string, error) {
	client := http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if r.load.Body > 0 {
		method, body = http.MethodPost, strings.NewReader(strings.Repeat("x", r.load.Body))
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+r.address+r.load.Path, body)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	if err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %s: %.200s", r.name, answer.Status, text)
	}
	return string(text), nil
}
