"""An application that leaves processes behind, and counts those that nobody has reaped."""

import json
import os


def daemonize():
    """The double fork: the grandchild belongs to nobody, and ends at once when that is so."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        child = os.getpid()
        if os.fork():
            os._exit(0)
        os.close(reader)
        while os.getppid() == child:
            pass
        os.write(writer, b"%d %d" % (os.getpid(), os.getppid()))
        os._exit(7)
    os.close(writer)
    os.waitpid(child, 0)
    pid, parent = os.read(reader, 100).split()
    os.close(reader)
    return {"pid": int(pid), "parent": int(parent)}


def zombies():
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % name) as f:
                rest = f.read().rpartition(")")[2].split()
        except OSError:
            continue
        if rest[0] == "Z":
            found.append(int(name))
    return found


def application(environ, start_response):
    if environ["PATH_INFO"] == "/orphan":
        doc = daemonize()
    else:
        doc = {"zombies": zombies(), "pid": os.getpid(), "processes": [int(n) for n in os.listdir("/proc") if n.isdigit()]}
    body = json.dumps(doc).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
