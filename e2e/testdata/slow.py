"""Sleeps as long as the query string says; other paths answer badly, or are large."""

import os
import signal
import threading
import time


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/crash":
        signal.pthread_kill(threading.get_ident(), signal.SIGSEGV)
    if path == "/raise":
        raise ValueError("on purpose")
    if path == "/big":
        start_response("200 OK", [("Content-Length", str(8 << 20))])
        return (bytes([n % 251]) * 65536 for n in range(128))
    time.sleep(float(environ["QUERY_STRING"].partition("&")[0] or 0))
    status = {"/missing": "404 Not Found", "/error": "503 Own Error"}.get(path, "200 OK")
    body = b"%d" % os.getpid()
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
