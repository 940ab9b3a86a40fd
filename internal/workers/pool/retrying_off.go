//go:build noretry

package pool

const retrying = false
