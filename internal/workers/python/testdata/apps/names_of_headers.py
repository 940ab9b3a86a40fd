"""Makes many header names and statuses, and counts what the program keeps of them."""

import sys


def application(environ, start_response):
    head = sys.modules["_fender.head"]
    for i in range(2000):
        head.encode("200 Number %d" % i, [("X-%d" % i, "v")])
    body = b"%d %d" % (len(head._names), len(head._statuses))
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
