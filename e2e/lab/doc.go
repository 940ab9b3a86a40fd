//go:build linux

// Package lab are the end-to-end tests of `fender lab`: real servers, the real binary.
package lab
