"""Django's database connections, if the application uses Django."""

import sys

from _fender import stderr


def close_connections(when="at the end"):
    """Closes those of this thread."""
    database = sys.modules.get("django.db")
    if database is None:
        return
    try:
        database.connections.close_all()
    except Exception as error:
        if type(error).__name__ != "ImproperlyConfigured":  # no settings: no connections
            stderr.say_failure("closing Django's database connections %s failed" % when, error)
