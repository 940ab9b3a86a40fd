"""For processes that end: what they leave open, half written and half done."""

import array
import atexit
import fcntl
import gc
import gzip
import io
import os
import sys
import tempfile
import termios
import threading
import time
import zipfile
from types import ModuleType

started = os.getpid()
directory = os.environ["TEST_DIRECTORY"]
wants = os.environ.get("TEST_WANTS", "").split()
kept = []  # what is alive at the end


def place(name):
    return os.path.join(directory, name)


def keep(item):
    kept.append(item)
    return item


class Pipe:
    """Nobody reads it: a thread that never ends writes to it, and holds the lock of the file."""

    def __init__(self):
        self.reading, writing = os.pipe()
        self.file = os.fdopen(writing, "wb")
        self.told = threading.Event()
        threading.Thread(target=self.write, daemon=True).start()

    def write(self):
        self.told.wait()
        self.file.write(b"x" * 1000000)

    def fill(self):
        self.told.set()
        waiting = array.array("i", [0])
        while waiting[0] < 65536:
            fcntl.ioctl(self.reading, termios.FIONREAD, waiting)


def write_at_exit():
    kept[0].write("atexit\n")


def raise_at_exit():
    raise ValueError("in an atexit function")


def note_at_exit():
    if os.getpid() != started:
        sys.stderr.write("the first atexit function ran\n")


atexit.register(note_at_exit)
template_log = open(place("template.log"), "a")
template_log.write("import\n")
template_file = tempfile.NamedTemporaryFile(dir=directory, prefix="template-")
if "lock" in wants:
    keep(Pipe()).fill()
if "lock-at-fork" in wants and hasattr(os, "register_at_fork"):
    os.register_at_fork(before=keep(Pipe()).fill)
if "freeze" in wants and hasattr(gc, "freeze"):
    gc.freeze()
if "raise" in wants:
    atexit.register(raise_at_exit)
if "exit" in wants:
    atexit.register(sys.exit, 5)
if "os._exit" in wants:
    atexit.register(lambda: os.getpid() == started or os._exit(6))


class Derived(io.TextIOWrapper):
    pass


def writes():
    """In each kind of file that has a buffer, one that the template opened too."""
    template_log.write("worker\n")
    keep(open(place("text"), "w")).write("text")
    keep(open(place("binary"), "wb")).write(b"binary")
    keep(open(place("random"), "w+b")).write(b"random")
    keep(Derived(open(place("derived"), "wb"))).write("derived")


def writes_at_exit():
    keep(open(place("text"), "w"))
    atexit.register(write_at_exit)


def opens_temporary():
    return keep(tempfile.NamedTemporaryFile(dir=directory, prefix="worker-")).name


def compresses():
    keep(gzip.open(place("gz"), "wb")).write(b"compressed")
    keep(zipfile.ZipFile(place("zip"), "w")).writestr("member", b"zipped")
    keep(gzip.GzipFile("", "wb", fileobj=keep(open(place("open.gz"), "wb")))).write(b"compressed")


def freezes():
    writes()
    if hasattr(gc, "freeze"):
        gc.freeze()


def fails_to_flush():
    class Stubborn(io.TextIOWrapper):
        def flush(self):
            raise SystemExit(3)

    for name in ("text", "binary"):
        keep(Stubborn(open(os.devnull, "wb"))).write("x")
        keep(open("/dev/full", "w")).write("x")
        keep(open(place("closed"), "w")).close()
        keep(io.TextIOWrapper(io.BytesIO())).detach()
        keep(open(place(name), "w")).write(name)


def holds_lock():
    keep(Pipe()).fill()


class Lazy:
    """As Django's SimpleLazyObject: to ask for its class makes what it stands for."""

    @property
    def __class__(self):
        sys.stderr.write("the lazy object was asked\n")
        return dict

    def __del__(self):
        sys.stderr.write("the object was finalized\n")


def makes_object():
    module = ModuleType("module")
    module.lazy = Lazy()
    sys.modules["module"] = module


def starts_daemon():
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()


def submits():
    from concurrent.futures import ThreadPoolExecutor

    def job():
        time.sleep(0.1)
        keep(open(place("text"), "w")).write("job")

    keep(ThreadPoolExecutor(1)).submit(job)


def replaces_stdout():
    class Flushed:
        def flush(self):
            sys.stderr.write("standard output was flushed\n")

    sys.stdout = Flushed()


def holds_stdout():
    pipe = keep(Pipe())
    pipe.fill()
    sys.stdout = io.TextIOWrapper(pipe.file)


def exits_with():
    """The worker ends with the exit code that its sys.stderr gives to sys.exit."""

    class Exits:
        def write(self, text):
            sys.exit({"7": 7, "text": "why it ends", "none": None}[os.environ["TEST_CODE"]])

        def flush(self):
            pass

    sys.stderr = Exits()
    os.closerange(3, 256)


def application(environ, start_response):
    body = (globals()[environ["PATH_INFO"].strip("/")]() or "").encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
