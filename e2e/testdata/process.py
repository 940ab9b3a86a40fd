"""An application that behaves as if it had its process for itself."""

import atexit
import json
import locale
import logging
import os
import signal
import sys
import threading

logging.basicConfig(format="%(levelname)s said by logging: %(message)s")

go_on = threading.Event()


times = []


def noticed(number, frame):
    times.append(number)
    # print is not reentrant, and the next signal may come before it has returned.
    os.write(1, b"signal %d noticed for time %d in process %d\n" % (number, len(times), os.getpid()))


signal.signal(signal.SIGUSR1, noticed)
atexit.register(lambda: print("atexit of process %d" % os.getpid()))


class TooLong(Exception):
    pass


def too_long(number, frame):
    raise TooLong()


def alarmed(environ):
    """What signal-based code does on the main thread."""
    signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        threading.Event().wait(60)
    except TooLong:
        return {"alarm": "came"}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def encodings(environ=None):
    return {
        "stdout": [sys.stdout.encoding, sys.stdout.errors],
        "stderr": [sys.stderr.encoding, sys.stderr.errors],
        "preferred": locale.getpreferredencoding(False),
        "file system": [sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()],
        "utf8_mode": sys.flags.utf8_mode,
        "ctype": locale.setlocale(locale.LC_CTYPE),
        "LC_CTYPE": os.environ.get("LC_CTYPE"),
        "path": os.fsencode("/caf\u00e9").hex() if sys.getfilesystemencoding() == "utf-8" else "",
    }


def printing(environ):
    """Prints a line, and does not answer before somebody asks for /release."""
    print("a line of print")
    print("beg", end="")
    logging.warning("a warning")
    sys.stderr.write("a line of sys.stderr\n")
    print("inning and end of a line")
    return {"released": go_on.wait(60)}


def release(environ):
    go_on.set()
    return {}


def child(environ):
    """What a program that the application starts finds."""
    import subprocess

    script = (
        "import json, os, signal\n"
        "fds = []\n"
        "for n in os.listdir('/proc/self/fd'):\n"
        "    try: fds.append(os.readlink('/proc/self/fd/' + n))\n"
        "    except OSError: pass\n"
        "print(json.dumps({'fds': sorted(fds), 'sigterm': str(signal.getsignal(signal.SIGTERM)),\n"
        "    'blocked': sorted(int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, [])),\n"
        "    'ignored': sorted(int(s) for s in signal.valid_signals() if signal.getsignal(s) is signal.SIG_IGN)}))"
        if hasattr(signal, "valid_signals")
        else "print('{}')"
    )
    out = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout
    return json.loads(out.decode())


def facts(environ):
    return {
        "pid": os.getpid(),
        "main": threading.current_thread() is threading.main_thread(),
        "argv": sys.argv,
        "cwd": os.getcwd(),
        "name": __name__,
        "stdin": sys.stdin.read(10),
        "environ": {k: v for k, v in os.environ.items() if k.startswith(("UWSGI_", "FENDER_", "PROCESS_", "VIRTUAL_ENV"))},
        "path": sys.path,
        "prefix": sys.prefix,
        "uid": [os.getuid(), os.geteuid(), os.getgid(), os.getegid()],
        "groups": os.getgroups(),
        "umask": "%03o" % os.umask(0o77),
    }


VIEWS = {"/alarmed": alarmed, "/encodings": encodings, "/printing": printing, "/release": release, "/child": child}


def application(environ, start_response):
    body = json.dumps(VIEWS.get(environ["PATH_INFO"], facts)(environ)).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


other = application
