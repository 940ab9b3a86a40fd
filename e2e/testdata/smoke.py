"""The smallest application that shows whether an interpreter can serve."""

import os
import sys
import threading
import time


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/echo":
        body = environ["wsgi.input"].read()
    elif path == "/version":
        body = ("%d.%d.%d" % sys.version_info[:3]).encode()
    elif path == "/large-head":  # larger than a message between the processes
        start_response("200 OK", [("Content-Length", "0")] + [("X-%d" % n, "x" * 1000) for n in range(100)])
        return []
    elif path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (b"piece %d\n" % n for n in range(1000))
    elif path == "/stuck":
        try:
            while True:
                time.sleep(0.001)
        finally:
            print("finally of the stuck request in %s" % threading.current_thread().name)
    elif path == "/raise":
        raise ValueError("on purpose")
    else:
        body = b"hello from %d" % os.getpid()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
