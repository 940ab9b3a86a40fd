"""Large, slow and multipart bodies. All content is deterministic, so that a client can check it."""
import hashlib
import os
import tempfile
import time

from django.conf import settings
from django.http import FileResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from . import numbers

MEBIBYTE = 1024 * 1024
FILE_SIZE = 5_000_000
PIECE = 64 * 1024
BLOCK = bytes(range(256)) * (PIECE // 256)


def stream(request):
    """?chunks=N pieces of ?size=B bytes, ?delay=S seconds apart, without a Content-Length."""
    chunks = numbers.count(request, "chunks", default=10, most=1_000_000)
    size = numbers.count(request, "size", default=0, most=MEBIBYTE)
    delay = numbers.seconds(request, "delay")

    def pieces():
        for n in range(chunks):
            if n and delay:
                time.sleep(delay)
            line = b"chunk %d\n" % n
            # With a size each piece has exactly that many bytes.
            yield (line[:size].ljust(size, b".") if size else line)

    return StreamingHttpResponse(pieces(), content_type="text/plain")


def big(request):
    """?mb=N mebibytes with a Content-Length, made while they are sent. ?sha256=1: their digest."""
    mebibytes = numbers.count(request, "mb", default=1, most=16 * 1024)
    pieces = mebibytes * (MEBIBYTE // PIECE)
    if "sha256" in request.GET:
        digest = hashlib.sha256()
        for _ in range(pieces):
            digest.update(BLOCK)
        return JsonResponse({"size": mebibytes * MEBIBYTE, "sha256": digest.hexdigest()})
    response = StreamingHttpResponse(
        (BLOCK for _ in range(pieces)), content_type="application/octet-stream"
    )
    response["Content-Length"] = mebibytes * MEBIBYTE
    return response


def file(request):
    """A file of 5 MB by wsgi.file_wrapper. ?sha256=1: its size and digest as JSON."""
    path = generated()
    if "sha256" in request.GET:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return JsonResponse({"size": FILE_SIZE, "sha256": digest})
    return FileResponse(open(path, "rb"), content_type="application/octet-stream")


def generated():
    """The path of the file, which the first caller makes."""
    path = settings.EXAMPLE_VAR / "file.bin"
    try:
        if path.stat().st_size == FILE_SIZE:
            return path
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    # Several workers may do this at once: each renames a whole file into place.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix="file-")
    with os.fdopen(handle, "wb") as f:
        for n in range(FILE_SIZE // hashlib.sha256().digest_size):
            f.write(hashlib.sha256(b"%d" % n).digest())
    os.replace(name, path)
    return path


@csrf_exempt
def upload(request):
    """GET: a form. POST: name, size and digest of each file sent."""
    if request.method != "POST":
        return render(request, "demo/upload.html")
    files = []
    for field, parts in request.FILES.lists():
        for part in parts:
            digest = hashlib.sha256()
            for piece in part.chunks():
                digest.update(piece)
            files.append(
                {"field": field, "name": part.name, "size": part.size, "sha256": digest.hexdigest()}
            )
    return JsonResponse({"files": files, "fields": request.POST.dict()})
