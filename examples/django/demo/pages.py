"""Small pages: the ones that a person looks at and a benchmark asks for."""
import os
import random
import threading
import time

from django.db import transaction
from django.db.models import F
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render

from . import numbers
from .models import Visits


def home(request):
    """Counts its visits in the database."""
    with transaction.atomic():
        if not Visits.objects.filter(page="home").update(count=F("count") + 1):
            Visits.objects.create(page="home", count=1)
        count = Visits.objects.get(page="home").count
    return render(request, "demo/home.html", {"count": count})


def hello(request):
    """The cheapest honest answer: all middleware, no template, no database."""
    return HttpResponse(b"Hello, world!\n", content_type="text/plain")


def page(request):
    """A template with a loop of 30 rows."""
    rows = [{"number": n, "name": f"Row <{n}>", "price": f"{n * 1.25:.2f}"} for n in range(1, 31)]
    return render(request, "demo/page.html", {"rows": rows})


def slow(request):
    """Sleeps ?seconds=S, or a random time between ?min= and ?max=."""
    if "seconds" in request.GET or not ("min" in request.GET or "max" in request.GET):
        wait = numbers.seconds(request, "seconds", default=1.0)
    else:
        low = numbers.seconds(request, "min")
        wait = random.uniform(low, max(low, numbers.seconds(request, "max", default=low)))
    time.sleep(wait)
    return HttpResponse(f"slept {wait:.3f} s\n", content_type="text/plain")


def pid(request):
    """Who answered. Under a server other than fender the fender fields are null."""
    environ = request.META
    return JsonResponse(
        {
            "pid": os.getpid(),
            "worker": environ.get("fender.worker"),
            "spawn": environ.get("fender.spawn"),
            "generation": environ.get("fender.generation"),
            "slot": environ.get("fender.slot"),
            "thread": threading.get_native_id(),
        }
    )


def cookies(request):
    """Sets two cookies: two header fields of the same name, whose order must stay."""
    response = HttpResponse(b"two cookies\n", content_type="text/plain")
    response.set_cookie("first", "1", path="/")
    response.set_cookie("second", "two words", httponly=True, samesite="Lax")
    return response
