// Package stacks holds the configuration files of the lab's servers, so that the binary carries them
// along. Each can be read as it is; ${NAME} is filled in by the lab.
package stacks

import "embed"

// Files are the configuration files.
//
//go:embed *.ini *.conf *.py
var Files embed.FS
