"""No application, but other names."""

app = lambda environ, start_response: []  # noqa: E731
number = 7
made = 0


def factory():
    global made
    made += 1

    def made_application(environ, start_response):
        body = str(made).encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    return made_application


def bad_factory():
    return 7


def raising_factory():
    raise ValueError("in the factory")


class Site:
    wsgi = staticmethod(factory())
