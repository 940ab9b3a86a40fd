"""An application that patches the standard library for gevent."""

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

import gevent  # noqa: E402

gevent.sleep(0)  # the hub exists before the fork

dies_at_once = False


def after_fork():
    """A fork returns when the child is dead already, which is how it goes on a busy machine."""
    if dies_at_once:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)


if hasattr(os, "register_at_fork"):  # 3.7
    os.register_at_fork(after_in_parent=after_fork)


def application(environ, start_response):
    def part(n):
        time.sleep(0.01)
        return str(n)

    jobs = [gevent.spawn(part, i) for i in range(3)]
    gevent.joinall(jobs)
    body = ",".join(job.value for job in jobs).encode()
    if environ["PATH_INFO"] == "/fork":
        global dies_at_once
        dies_at_once = True
        pid = os.fork()
        if pid == 0:
            os._exit(3)
        dies_at_once = False
        body = str(os.waitpid(pid, 0)[1] >> 8).encode()
    elif environ["PATH_INFO"] == "/thread":
        thread = threading.Thread(target=time.sleep, args=(0.01,))
        thread.start()
        thread.join()
        body = b"joined"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
