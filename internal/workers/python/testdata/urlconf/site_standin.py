"""An application that is Django as far as fender can see; it answers facts about its process."""

import gc
import json
import os
import signal
import sys
import threading

import standin

forks = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=lambda: forks.append(1))


def heard(number, frame):
    try:
        os.waitpid(-1, os.WNOHANG)
    except OSError:
        pass


how = os.environ.get("TEST_SITE")
if how == "waits":
    signal.signal(signal.SIGCHLD, heard)
elif how == "ignores":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
elif how == "has a thread":
    threading.Thread(target=threading.Event().wait, name="of-the-site", daemon=True).start()
elif how == "imports":
    import urls  # noqa: F401
elif how == "raises":
    raise ValueError("in the site")
sys.stdout.write("printed without an end of line, ")


def application(environ, start_response):
    if environ["PATH_INFO"] == "/first":
        standin.Resolver().url_patterns
    urlconf = sys.modules.get("urls")
    facts = {
        "by": urlconf and urlconf.process,
        "forks": len(forks),
        "closed": standin.closed,
        "child_signal": repr(signal.getsignal(signal.SIGCHLD)),
        "child_signal_at_import": urlconf and urlconf.child_signal,
        "collector": [gc.isenabled(), gc.get_threshold()[0]],
        "collected": urlconf and urlconf.collected,
    }
    body = json.dumps(facts).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
