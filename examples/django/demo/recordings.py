"""/echo: gives the body back and records that it ran, so that a test can count runs."""
import hashlib
import os
import tempfile
import time

from django.core.exceptions import BadRequest
from django.db.models import Count
from django.http import FileResponse, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from . import numbers
from .models import Recording

PIECE = 64 * 1024
# Larger bodies go to a temporary file: a body of any size takes the same memory.
IN_MEMORY = 1024 * 1024
LONGEST_ID = Recording._meta.get_field("ident").max_length


@csrf_exempt
def echo(request):
    """POST: the body back, its SHA-256 in X-Body-Sha256; with ?id= one row is recorded.
    ?seconds=S sleeps before the recording, ?after=S between it and the answer.
    GET ?id=: how often that id was recorded.
    """
    ident = request.GET.get("id")
    if ident is not None and not 0 < len(ident) <= LONGEST_ID:
        raise BadRequest(f"id must have 1 to {LONGEST_ID} characters")
    if request.method in ("GET", "HEAD"):
        if ident is None:
            raise BadRequest("GET /echo needs ?id=")
        return JsonResponse(
            {"id": ident, "count": Recording.objects.filter(ident=ident).count()}
        )
    before = numbers.seconds(request, "seconds")
    after = numbers.seconds(request, "after")
    body, size, digest = keep(request)
    time.sleep(before)
    if ident is not None:
        record(request, ident)
    time.sleep(after)
    kind = request.headers.get("Content-Type") or "application/octet-stream"
    if size <= IN_MEMORY:
        with body:
            response = HttpResponse(body.read(), content_type=kind)
    else:
        response = FileResponse(body, content_type=kind)
    response["X-Body-Sha256"] = digest
    return response


def keep(request):
    """Reads the whole body: (file at its start, size, hex digest)."""
    body = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)
    digest = hashlib.sha256()
    while piece := request.read(PIECE):
        digest.update(piece)
        body.write(piece)
    size = body.tell()
    body.seek(0)
    return body, size, digest.hexdigest()


def record(request, ident):
    """One row for one run."""
    Recording.objects.create(
        ident=ident,
        pid=os.getpid(),
        worker=request.META.get("fender.worker"),
        spawn=request.META.get("fender.spawn"),
    )


@require_GET
def ids(request):
    """All recorded ids with their counts."""
    counts = Recording.objects.values_list("ident").annotate(Count("pk")).order_by("ident")
    return JsonResponse({"ids": dict(counts)})


@csrf_exempt
@require_POST
def reset(request):
    """Forgets all recordings."""
    removed, _ = Recording.objects.all().delete()
    return JsonResponse({"removed": removed})
