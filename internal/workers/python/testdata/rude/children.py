"""Ignores SIGCHLD: the kernel would reap the template's children by itself."""

import signal

from answer import answer as application  # noqa: F401

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
