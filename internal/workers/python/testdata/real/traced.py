"""Says whether a tracer has come before the application."""

import sys

from site_django import application as inner


def application(environ, start_response):
    if environ["PATH_INFO"] != "/tracer":
        return inner(environ, start_response)
    names = [name for name in ("ddtrace.bootstrap.sitecustomize", "opentelemetry.instrumentation.auto_instrumentation") if name in sys.modules]
    from django.core.handlers.base import BaseHandler

    wrapped = hasattr(BaseHandler.get_response, "__wrapped__") or "opentelemetry.instrumentation.django" in sys.modules
    body = ("%s %s" % (names, wrapped)).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
