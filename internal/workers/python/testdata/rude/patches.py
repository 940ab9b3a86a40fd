"""Replaces what gevent and its like replace."""

import os
import socket
import sys
import threading
import time
import _thread

from answer import answer as application  # noqa: F401


def broken(*args, **kwargs):
    raise RuntimeError("patched")


def other_ident():
    return -1


# Not what the import system itself uses: gevent's replacements of that work.
for module, names in (
    (os, ("fork", "forkpty", "waitpid", "pread")),
    (time, ("sleep", "monotonic", "time")),
    (_thread, ("start_new_thread", "start_joinable_thread")),
    (threading, ("_start_new_thread", "_start_joinable_thread")),
    (socket, ("socket", "socketpair")),
):
    for name in names:
        setattr(module, name, broken)
threading.get_ident = other_ident
sys.modules["json"].dumps = broken
sys.modules["json"].loads = broken
sys.modules["marshal"].dumps = broken
