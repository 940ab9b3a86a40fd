// Package scenarios holds the lab's scenarios, one file each, so that the binary carries them along.
package scenarios

import "embed"

// Files are the scenarios, NAME.scenario.
//
//go:embed *.scenario
var Files embed.FS
