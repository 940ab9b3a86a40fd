"""All addresses of the example site. The chaos ones exist only with EXAMPLE_CHAOS=1."""
from django.conf import settings
from django.urls import path

from demo import bodies, chaos, pages, recordings

urlpatterns = [
    path("", pages.home),
    path("hello", pages.hello),
    path("page", pages.page),
    path("slow", pages.slow),
    path("pid", pages.pid),
    path("cookies", pages.cookies),
    path("echo", recordings.echo),
    path("echo/ids", recordings.ids),
    path("echo/reset", recordings.reset),
    path("stream", bodies.stream),
    path("file", bodies.file),
    path("big", bodies.big),
    path("upload", bodies.upload),
]

if settings.EXAMPLE_CHAOS:
    # /raise is not here: it works below Django, in mysite/wsgi.py.
    urlpatterns += [
        path("crash", chaos.crash),
        path("exit", chaos.leave),
        path("leak", chaos.leak),
        path("stuck", chaos.stuck),
    ]
