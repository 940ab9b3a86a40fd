"""For workers that leave: what runs at the end, and with which signal handlers."""

import atexit
import os
import signal
import sys
import threading
import time

started = os.getpid()


def at_exit():
    if os.getpid() != started:
        sys.stderr.write("atexit in the worker\n")


atexit.register(at_exit)

if os.environ.get("TEST_SIGTERM") == "exits":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(5))
elif os.environ.get("TEST_SIGTERM") == "notes":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.stderr.write("the application's own handler\n"))


def text(start_response, body):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def job():
    time.sleep(0.1)
    sys.stderr.write("the application's thread has ended\n")


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/wait":
        with open(environ["QUERY_STRING"], "rb", buffering=0) as steps:
            steps.read(1)
    elif path == "/thread":
        threading.Thread(target=job).start()
    elif path == "/close":  # as a careless way to become a daemon does
        os.closerange(3, 256)
        if environ["QUERY_STRING"] == "reuse":
            for _ in range(64):
                os.open(os.devnull, os.O_RDONLY)
    elif path == "/exit":
        os._exit(9)
    elif path == "/partial":
        sys.stdout.write("a line without an end")
    return text(start_response, path.encode())
