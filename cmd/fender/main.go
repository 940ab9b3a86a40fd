// Command fender serves Django behind a load balancer. This file is its door: everything is in
// package cli.
package main

import (
	"os"

	"fender/internal/cli"
)

// version is set by the linker (Makefile).
var version = "dev"

func main() { os.Exit(cli.Run(cli.OS(version))) }
