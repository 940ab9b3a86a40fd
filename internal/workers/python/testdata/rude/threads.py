"""Leaves threads and sockets open."""

import socket
import threading
import time
import _thread

from answer import answer as application  # noqa: F401

threading.Thread(target=time.sleep, args=(3600,), name="background-job", daemon=True).start()
threading.Thread(target=time.sleep, args=(3600,), name="not-a-daemon").start()
running = threading.Event()


def unnamed():
    running.set()
    time.sleep(3600)


_thread.start_new_thread(unnamed, ())
running.wait()
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(1)
connected = socket.create_connection(listener.getsockname())
datagram = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
pair = socket.socketpair()
