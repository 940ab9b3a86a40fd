"""A Django site in one file."""

import itertools
import json
import os
import sys
import tempfile

import django
from django.http import FileResponse, HttpResponse, HttpResponseNotModified, StreamingHttpResponse
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings_django")

CONTENT = bytes(bytearray(i % 251 for i in range(1000))) * 300


def hello(request):
    response = HttpResponse("hello from Django")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


def stream(request):
    return StreamingHttpResponse((b"%d," % i for i in range(5)), content_type="text/plain")


def file(request):
    handle = tempfile.TemporaryFile()
    handle.write(CONTENT)
    handle.seek(0)
    response = FileResponse(handle, content_type="application/octet-stream")
    response["Content-Length"] = str(len(CONTENT))  # Django before 4 finds it of named files only
    return response


def memory_file(request):
    import io

    return FileResponse(io.BytesIO(CONTENT), filename="memory.bin", as_attachment=True)


def upload(request):
    files = {name: [f.size, type(f).__name__, f.read(8).decode()] for name, f in request.FILES.items()}
    return HttpResponse(json.dumps({"post": dict(request.POST), "files": files}), content_type="application/json")


def body(request):
    return HttpResponse(request.body)


def raises(request):
    raise ValueError("in a view")


def connected(request):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select 41 + 1")
        return HttpResponse(str(cursor.fetchone()[0]))


def safe(request):
    from django.utils.safestring import mark_safe

    response = HttpResponse("safe", content_type=mark_safe("text/plain"))
    response["X-Safe"] = mark_safe("yes")
    return response


def not_modified(request):
    return HttpResponseNotModified()


urlpatterns = [
    path(view.__name__, view)
    for view in (hello, stream, file, memory_file, upload, body, raises, connected, safe, not_modified)
]

django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.backends.sqlite3.base import DatabaseWrapper  # noqa: E402

close = DatabaseWrapper._close
closings = {}  # of each process


def note_close(self):
    if self.connection is not None:
        number = next(closings.setdefault(os.getpid(), itertools.count(1)))
        sys.stderr.write("process %d closed connection %d\n" % (os.getpid(), number))
    return close(self)


DatabaseWrapper._close = note_close
connection.ensure_connection()  # left open on purpose: the fork must close it
application = get_wsgi_application()
