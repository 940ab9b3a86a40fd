package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// baseline is the stack that ratios are to.
const baseline = "nginx-uwsgi"

// stack is one way to serve an application, or a file, or a balancer.
type stack struct {
	name  string
	title string

	balances bool // it stands before a fixed answer
	static   bool // it serves files and no application
	asgi     bool // it speaks ASGI, not WSGI
	closes   bool // it keeps no connection
	single   bool // it has no threads

	// missing says in a sentence why the stack can't run here, or is empty.
	missing func() string
	// version is the command that prints it, for each program of the stack.
	version map[string][]string
	// commands are what has to be started, in this order; they are stopped in reverse.
	commands func(place) ([]*exec.Cmd, error)
	// front says of a process whether it is the front and not a worker.
	front func(comm string) bool

	// recycle are arguments that replace each worker after recycleAfter requests. Each
	// replacement is a match of recycled in the log of the first command.
	recycle  []string
	recycled *regexp.Regexp
}

// leftOut says in a sentence why the stack isn't measured under this workload, or is empty.
func (s stack) leftOut(w workload) string {
	switch {
	case s.balances != w.Balances:
		return "it is of another kind"
	case s.static && !w.File:
		return "it runs no application"
	case s.asgi && w.ASGI.Module == "":
		return "it runs ASGI applications only"
	case s.single && w.Threads > 1:
		return "it has no threads"
	case s.closes && w.Idle > 0:
		return "it keeps no connection"
	case s.recycle == nil && w.Recycled:
		return "it can't replace workers after a number of requests"
	}
	return ""
}

func (s stack) sameKind(w workload) bool { return s.balances == w.Balances && (!s.static || w.File) }

// stackNames are all stacks, in the order of a round.
func stackNames() []string {
	var names []string
	for _, s := range allStacks(settings{}) {
		names = append(names, s.name)
	}
	return names
}

func title(stack string) string {
	for _, s := range allStacks(settings{}) {
		if s.name == stack {
			return s.title
		}
	}
	return stack
}

func allStacks(set settings) []stack { return slices.Concat(servers(set), balancers(set)) }

// configured adds to the command's environment the lines NAME=VALUE of a file.
func configured(cmd *exec.Cmd, path string) (*exec.Cmd, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			cmd.Env = append(cmd.Env, line)
		}
	}
	return cmd, nil
}

// absent names the first program that is not there.
func absent(programs ...string) string {
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Sprintf("there is no %s", program)
		}
	}
	return ""
}

func number(n int) string { return strconv.Itoa(n) }
