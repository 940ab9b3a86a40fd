"""Answers of every shape that PEP 3333 allows; the path picks one."""

import hashlib
import io
import os
import sys
import tempfile

closed = []


class Closing:
    """An iterable that notes its close."""

    def __init__(self, name, chunks):
        self.name = name
        self.chunks = chunks

    def __iter__(self):
        return iter(self.chunks)

    def close(self):
        closed.append(self.name)


def plain(start_response, body, status="200 OK", headers=()):
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), *headers])
    return [body]


def hello(environ, start_response):
    return plain(start_response, b"hello")


def closings(environ, start_response):
    """What was closed since this was asked last."""
    body = " ".join(closed).encode()
    closed.clear()
    return plain(start_response, body)


def write(environ, start_response):
    send = start_response("200 OK", [("Content-Type", "text/plain")])
    send(b"written, ")
    send(b"")
    send(b"twice, ")
    return Closing("write", [b"and ", b"returned"])


def write_only(environ, start_response):
    start_response("200 OK", [("Content-Length", "7")])(b"written")
    return []


def replaced(environ, start_response):
    """An error before anything has left: exc_info replaces the head."""
    start_response("200 OK", [("X-First", "1")])
    try:
        raise ValueError("noticed in time")
    except ValueError:
        return plain_error(start_response)


def plain_error(start_response):
    start_response("503 Try Later", [("Content-Type", "text/plain"), ("X-Second", "2")], sys.exc_info())
    return [b"an honest error"]


def too_late(environ, start_response):
    """The same behind the first bytes: start_response raises the exception again."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"begun "
    yield b"x" * 200000
    try:
        raise ValueError("noticed too late")
    except ValueError:
        start_response("500 Oops", [], sys.exc_info())
    yield b"never seen"


def twice(environ, start_response):
    start_response("200 OK", [])
    start_response("200 OK", [])
    return [b"never seen"]


def many(environ, start_response):
    """100,000 small chunks from a generator."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (b"%d," % n for n in range(100000))


def many_in_a_list(environ, start_response):
    body = [b"%d," % n for n in range(100000)]
    start_response("200 OK", [("Content-Length", str(sum(map(len, body))))])
    return body


def empty(environ, start_response):
    start_response("200 OK", [])
    return []


def empty_generator(environ, start_response):
    start_response("200 OK", [])
    return iter(())


def only_empty_strings(environ, start_response):
    start_response("200 OK", [])
    yield b""
    yield b""


def late_start(environ, start_response):
    """start_response is called within the first step, empty strings come before the first byte."""
    start_response("201 Created", [("X-Late", "yes")])
    yield b""
    yield b""
    yield b"late"


def length_reached(environ, start_response):
    start_response("200 OK", [("Content-Length", "4")])
    return Closing("length_reached", [b"four", b"", b"more"])


def no_content(environ, start_response):
    start_response("204 No Content", [])
    return Closing("no_content", [b"must not be sent"])


def not_modified(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"1"')])
    return Closing("not_modified", [b"must not be sent"])


def streamed(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Closing("streamed", [b"one ", b"two"])


CONTENT = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(5000000 // 32))


def made():
    f = tempfile.TemporaryFile()
    f.write(CONTENT)
    f.flush()
    return f


class Noting:
    """A file that notes its close."""

    def __init__(self, source):
        self.source = source
        self.read = source.read

    def close(self):
        closed.append("file")
        self.source.close()


def file(environ, start_response):
    """A file from its middle: ?offset, and ?length for a Content-Length, ?sum for its digest."""
    asked = dict(pair.split("=") for pair in environ["QUERY_STRING"].split("&"))
    f = made()
    f.seek(int(asked["offset"]))
    if "sum" in asked:
        body = f.read(int(asked.get("length", 5000000)))
        f.close()
        return plain(start_response, hashlib.sha256(body).hexdigest().encode())
    head = [("Content-Type", "application/octet-stream")]
    if "length" in asked:
        head.append(("Content-Length", asked["length"]))
    start_response("200 OK", head)
    return environ["wsgi.file_wrapper"](Noting(f), 65536)


def bytes_io(environ, start_response):
    start_response("200 OK", [])
    source = io.BytesIO(b"skipped" + b"in memory " * 20000)
    source.read(7)
    return environ["wsgi.file_wrapper"](source)


def pipe(environ, start_response):
    """A descriptor that is no file."""
    reader, writer = os.pipe()
    os.write(writer, b"through a pipe")
    os.close(writer)
    start_response("200 OK", [])
    return environ["wsgi.file_wrapper"](os.fdopen(reader, "rb"))


def errors(environ, start_response):
    environ["wsgi.errors"].write("said in wsgi.errors\n")
    environ["wsgi.errors"].writelines(["and in lines\n", "of two\n"])
    environ["wsgi.errors"].flush()
    return plain(start_response, b"said")


def application(environ, start_response):
    return globals()[environ["PATH_INFO"][1:]](environ, start_response)
