// Package arch holds the tests that keep ARCHITECTURE.md true: its table of arrows is compared with
// the imports, its road of a request with the files, its table of a worker's states with the pool.
// It has no code of its own, and knows no room from within.
package arch
