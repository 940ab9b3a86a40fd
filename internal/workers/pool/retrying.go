//go:build !noretry

package pool

// retrying is false only in the build that shows that the fault tests can fail.
const retrying = true
