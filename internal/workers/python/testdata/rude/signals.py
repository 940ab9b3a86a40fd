"""Installs handlers for everything it can, and takes an alarm."""

import signal

from answer import answer as application  # noqa: F401


def handler(number, frame):
    raise RuntimeError("signal %d" % number)


for number in range(1, 65):
    try:
        signal.signal(number, handler)
    except (OSError, ValueError, RuntimeError):
        pass
