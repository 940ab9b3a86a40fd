"""Says whether a tracer has come before the application, and traces it."""

import sys

from site_django import application as inner


def application(environ, start_response):
    if environ["PATH_INFO"] != "/tracer":
        return inner(environ, start_response)
    import django
    from django.conf import settings

    found = []
    if "ddtrace.bootstrap.sitecustomize" in sys.modules:
        found.append("ddtrace")
    if getattr(django, "_datadog_patch", False):
        found.append("patched")
    if any("opentelemetry" in name for name in settings.MIDDLEWARE):
        found.append("middleware")
    body = " ".join(found).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
