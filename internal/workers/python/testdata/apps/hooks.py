"""Notes which hooks ran in which process."""

import atexit
import json
import os
import random
import sys

template = os.getpid()
events = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: events.append("before"),
        after_in_parent=lambda: events.append("parent"),
        after_in_child=lambda: events.append("child"),
    )


def at_exit():
    sys.stderr.write("atexit in the %s\n" % ("template" if os.getpid() == template else "worker"))


atexit.register(at_exit)
first = random.random()


def application(environ, start_response):
    body = json.dumps(
        {"events": events, "random": random.random(), "has_hooks": hasattr(os, "register_at_fork"), "ppid": os.getppid()}
    ).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
