"""A Django site whose URLconf is a module of its own; facts come before Django's handler."""

import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings_real")

from django.core.wsgi import get_wsgi_application  # noqa: E402

if os.environ.get("TEST_SITE") == "unconfigured":
    site = None
else:
    site = get_wsgi_application()


def application(environ, start_response):
    if environ["PATH_INFO"] != "/facts":
        return (site or get_wsgi_application())(environ, start_response)
    urlconf = sys.modules.get("urls_real")
    body = json.dumps({"by": urlconf and urlconf.process}).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
