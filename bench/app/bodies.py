"""Bodies of several sizes without a framework: bodies:application."""
import os

SIZES = {"/10k": b"0123456789abcdef" * 640, "/1m": b"0123456789abcdef" * 65536}
PIECE = 65536


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/echo":
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    elif path == "/file":
        return file(environ, start_response)
    else:
        body = SIZES[path]
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(body)))])
    return [body]


def file(environ, start_response):
    """The file that the runner has made, as the server sends files best."""
    path = os.environ["BENCH_FILE"]
    start_response(
        "200 OK",
        [("Content-Type", "application/octet-stream"), ("Content-Length", str(os.path.getsize(path)))],
    )
    wrap = environ.get("wsgi.file_wrapper")
    if wrap:
        return wrap(open(path, "rb"), PIECE)
    return pieces(path)


def pieces(path):
    with open(path, "rb") as f:
        while piece := f.read(PIECE):
            yield piece
