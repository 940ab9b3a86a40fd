"""The URLconf of the Django site; it asks the database while it is imported."""

import os
import threading

from django.db import connection
from django.http import HttpResponse
from django.urls import include, path

process = os.getpid()
print("the URLconf is imported by process %d" % process)
with connection.cursor() as cursor:
    cursor.execute("select 41 + 1")

wanted = os.environ.get("TEST_URLS", "")
if wanted == "thread":
    threading.Thread(target=threading.Event().wait, name="of-the-views", daemon=True).start()


def files(request):
    """Whether this process came with a connection to the database."""
    links = [os.path.realpath("/proc/self/fd/" + name) for name in os.listdir("/proc/self/fd")]
    return HttpResponse("%d" % sum("db.sqlite3" in link for link in links))


urlpatterns = [path("files", files), path("nested/", include(([path("files", files)], "nested")))]
if wanted == "no such module":
    urlpatterns.append(path("more", include("views_that_are_not_there")))
