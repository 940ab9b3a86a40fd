"""An application that looks at what the fork has made of it."""

import json
import os
import random
import sys
import threading
import time

import socket

IMPORTED = os.getpid()
print("imported by process %d as version %s" % (os.getpid(), os.environ.get("FORKED_VERSION", "1")))

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: print("hook before"),
        after_in_parent=lambda: print("hook in the parent"),
        after_in_child=lambda: print("hook in the child, random %.17f" % random.random()),
    )

if os.environ.get("FORKED_LEAVES_OPEN"):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    client = socket.create_connection(listener.getsockname())
    forever = threading.Event()
    threading.Thread(target=forever.wait, name="a poller of the import", daemon=True).start()


def application(environ, start_response):
    time.sleep(float(environ["QUERY_STRING"] or 0))
    doc = {
        "pid": os.getpid(),
        "imported": IMPORTED,
        "parent": os.getppid(),
        "random": random.random(),
        "worker": environ["fender.worker"],
        "spawn": environ["fender.spawn"],
        "generation": environ["fender.generation"],
        "executable": sys.executable,
        "thread": threading.current_thread().name,
    }
    body = json.dumps(doc).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
