"""Treats the garbage collector as TEST_GC says."""

import gc
import json
import os
import sys

collections = [0]


def count(phase, info):
    collections[0] += 1


default = 700 if sys.version_info < (3, 13) else 2000
gc.callbacks.append(count)
made = [[] for _ in range(20000)]  # several times the threshold
during = collections[0] > 0
gc.callbacks.remove(count)

wanted = os.environ["TEST_GC"]
if wanted == "disabled":
    gc.disable()
elif wanted == "enabled":
    gc.enable()
elif wanted == "threshold":
    gc.set_threshold(12345, 5, 5)


def application(environ, start_response):
    facts = {"enabled": gc.isenabled(), "threshold": gc.get_threshold()[0], "default": default, "during": during}
    if hasattr(gc, "get_freeze_count"):
        facts["frozen"] = gc.get_freeze_count()
    body = json.dumps(facts).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
