"""An application that patches the standard library for gevent."""

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

import gevent  # noqa: E402

gevent.sleep(0)  # the hub exists before the fork


def application(environ, start_response):
    def part(n):
        time.sleep(0.01)
        return str(n)

    jobs = [gevent.spawn(part, i) for i in range(3)]
    gevent.joinall(jobs)
    body = ",".join(job.value for job in jobs).encode()
    if environ["PATH_INFO"] == "/fork":
        pid = os.fork()
        if pid == 0:
            os._exit(3)
        body = str(os.waitpid(pid, 0)[1] >> 8).encode()
    elif environ["PATH_INFO"] == "/thread":
        thread = threading.Thread(target=time.sleep, args=(0.01,))
        thread.start()
        thread.join()
        body = b"joined"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
