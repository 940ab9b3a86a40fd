"""A URLconf that does while it is imported what TEST_URLS says."""

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import _thread

process = os.getpid()
child_signal = repr(signal.getsignal(signal.SIGCHLD))
print("the URLconf is imported by process %d" % process)
wanted = os.environ.get("TEST_URLS", "")
urlpatterns = []
collections = []


def note(phase, info):
    collections.append(phase)


gc.callbacks.append(note)
cycles = [[] for _ in range(20000)]  # several times the threshold
gc.callbacks.remove(note)
collected = len(collections)


def for_ever():
    threading.Event().wait()


def library_thread():
    """Has the C library start a thread, of which Python knows nothing."""
    import ctypes

    libc = ctypes.CDLL(None)
    ident = ctypes.c_ulong()
    assert libc.pthread_create(ctypes.byref(ident), None, libc.pause, None) == 0

    def end():
        libc.pthread_cancel(ident)
        libc.pthread_join(ident, None)

    return end


def hear(number, frame):
    pass


if wanted == "thread":
    threading.Thread(target=for_ever, name="of-the-views", daemon=True).start()
elif wanted == "unnamed thread":
    _thread.start_new_thread(for_ever, ())
elif wanted == "library thread":
    library_thread()
elif wanted == "library thread that ends before a fork":
    end = library_thread()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=end)
    else:
        end()
elif wanted == "thread that has ended":
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
elif wanted == "socket":
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
elif wanted == "process":
    child = subprocess.Popen(["sleep", "3600"])
    print("it has started process %d." % child.pid)
elif wanted == "process that has ended":
    subprocess.check_call(["true"])
elif wanted == "raises":
    raise LookupError("no such view")
elif wanted == "exits":
    sys.exit(3)
elif wanted == "dies":
    os._exit(3)
elif wanted == "crashes":
    os.kill(process, signal.SIGKILL)
elif wanted == "hangs":
    for_ever()
elif wanted == "closes":
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            os.dup2(int(descriptor), int(descriptor) + 100)  # so that nobody sees an end
        except OSError:
            pass  # the listing's own
    os.closerange(3, 100)
    other = [open(os.environ["TEST_FILE"], "w") for _ in range(20)]
elif wanted == "raises the second time":
    with open(os.environ["TEST_FILE"], "a+") as file:
        file.write("1")
        if file.tell() == 2:
            raise LookupError("once is enough")
elif wanted == "second thread":
    with open(os.environ["TEST_FILE"], "a+") as file:
        file.write("1")
        if file.tell() == 2:
            threading.Thread(target=for_ever, name="of-the-second-import", daemon=True).start()
elif wanted == "dies beside a child":
    if os.fork() == 0:
        for_ever()
    os._exit(3)
elif wanted == "settles":
    gc.set_threshold(12345)
    signal.signal(signal.SIGCHLD, hear)
