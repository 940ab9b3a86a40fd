"""A Django application that counts its requests and looks at its database connection."""

import itertools
import os

os.environ["DJANGO_SETTINGS_MODULE"] = "counted_settings"

from django.core.wsgi import get_wsgi_application  # noqa: E402

application = get_wsgi_application()

from django.core.signals import request_finished, request_started  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import JsonResponse, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

from demo.models import Visits  # noqa: E402

counts = {"started": 0, "finished": 0}


def is_open():
    return connection.connection is not None


def started(**kwargs):
    counts["started"] += 1


def finished(**kwargs):
    # Django's own receiver, which returns the connections, was there before.
    counts["finished"] += 1
    print("request %d finished, its connection is %s" % (counts["finished"], "open" if is_open() else "closed"))


request_started.connect(started)
request_finished.connect(finished)

if os.environ.get("COUNTED_AT_IMPORT"):
    Visits.objects.count()
    print("at import the connection is %s" % ("open" if is_open() else "closed"))


def show(request):
    """What this worker has of the database, without asking it."""
    files = [os.path.realpath("/proc/self/fd/" + n) for n in os.listdir("/proc/self/fd")]
    return JsonResponse({**counts, "open": is_open(), "files": [f for f in files if "db.sqlite3" in f], "pid": os.getpid()})


def ask(request):
    return JsonResponse({"visits": Visits.objects.count(), "open": is_open()})


def endless(request):
    Visits.objects.count()
    return StreamingHttpResponse(b"x" * 1000 for _ in itertools.count())


def broken(request):
    Visits.objects.count()
    raise ValueError("on purpose")


def broken_stream(request):
    def pieces():
        Visits.objects.count()
        yield b"begun " * 20000  # enough to leave at once
        with open(request.GET["pipe"], "rb") as pipe:  # until the client has seen it begin
            pipe.read()
        raise ValueError("in the middle of a stream")

    return StreamingHttpResponse(pieces())


urlpatterns = [
    path("show", show),
    path("ask", ask),
    path("endless", endless),
    path("broken", broken),
    path("broken-stream", broken_stream),
]
