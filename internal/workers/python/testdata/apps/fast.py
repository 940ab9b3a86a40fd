"""Applications for the benchmark."""


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "13")])
    return [b"Hello, world!"]


class Body:
    """As Django's HttpResponse behaves to its server."""

    def __init__(self, content):
        self.content = content

    def __iter__(self):
        return iter([self.content])

    def close(self):
        pass


def body_close(environ, start_response):
    start_response(
        "200 OK",
        [
            ("Content-Type", "text/html; charset=utf-8"),
            ("X-Frame-Options", "DENY"),
            ("Content-Length", "13"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
        ],
    )
    return Body(b"Hello, world!")
