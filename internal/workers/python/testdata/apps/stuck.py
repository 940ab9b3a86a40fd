"""Applications that take too long, in all the ways there are."""

import sys
import time

events = []

# Threads take turns as often as can be, so that what can come between two steps does.
sys.setswitchinterval(0.00001)


def text(start_response, body):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def loop(environ, start_response):
    """Endless, in bytecode."""
    try:
        sys.stderr.write("entered\n")
        while True:
            pass
    finally:
        events.append("finally")


def sleep(environ, start_response):
    """In a system call."""
    try:
        sys.stderr.write("entered\n")
        time.sleep(3600)
    finally:
        events.append("finally")


def swallows(environ, start_response):
    """Catches everything once, and goes on."""
    try:
        sys.stderr.write("entered\n")
        while True:
            pass
    except BaseException as error:
        events.append(type(error).__name__)
    return text(start_response, b"went on")


def in_steps(environ, start_response):
    start_response("200 OK", [])
    yield b"begun"
    try:
        sys.stderr.write("within the step\n")
        while True:
            pass
    finally:
        events.append("finally")


class InClose:
    def __iter__(self):
        return iter([b"closing"])

    def close(self):
        try:
            time.sleep(0.002)  # long enough for an idle frame
            sys.stderr.write("within close\n")
            while True:
                pass
        finally:
            events.append("finally in close")


def in_close(environ, start_response):
    start_response("200 OK", [])
    return InClose()


def holds_lock(environ, start_response):
    """Holds the interpreter lock within C, for a long time."""
    pattern = "(a+)+$"
    import re

    sys.stderr.write("entered\n")
    re.match(pattern, "a" * 60 + "b")
    return text(start_response, b"never")


def append(environ, start_response):
    events.append("append")
    return text(start_response, b"appended")


def quick(environ, start_response):
    return text(start_response, b"quick")


def work(environ, start_response):
    """Some milliseconds of bytecode; says when anything is raised in it."""
    n = int(environ["QUERY_STRING"])
    x = 0
    for i in range(n):
        x += i
    return text(start_response, str(x).encode())


def wait(environ, start_response):
    """Waits for a byte in a pipe."""
    with open(environ["QUERY_STRING"], "rb", buffering=0) as steps:
        steps.read(1)
    return text(start_response, b"waited")


def show(environ, start_response):
    body = "\n".join(events).encode()
    del events[:]
    return text(start_response, body)


def application(environ, start_response):
    return globals()[environ["PATH_INFO"].strip("/")](environ, start_response)
