"""Stands in for Django's django.db, to count how often its connections are closed."""

import os
import sys
from types import ModuleType

closed = [0]


class Connections:
    def close_all(self):
        closed[0] += 1
        if os.environ.get("TEST_CLOSING") == "raises":
            raise ValueError("cannot close")


module = ModuleType("django.db")
module.connections = Connections()
sys.modules["django"] = ModuleType("django")
sys.modules["django.db"] = module


def application(environ, start_response):
    body = str(closed[0]).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
