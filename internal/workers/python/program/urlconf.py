"""Django's URLconf, and with it all views: Django imports it in the first request of each process.

Nothing of Django is imported here. What the application has not brought itself is not there.
"""

import sys

from _fender import database


def waits():
    """Whether the application is Django, could answer a request now, and lacks only its URLconf."""
    modules = sys.modules
    if "django.core.handlers.wsgi" not in modules or "django.urls" not in modules:
        return False
    try:
        settings = modules["django.conf"].settings
        if not settings.configured or not modules["django.apps"].apps.ready:
            return False
        name = settings.ROOT_URLCONF
    except Exception:  # there is none: the application uses other parts of Django
        return False
    return isinstance(name, str) and name not in modules


def visit():
    """Imports the URLconf as the handler does in a first request, and returns what that has borrowed."""
    try:
        sys.modules["django.urls"].get_resolver().url_patterns
    finally:
        database.close_connections("after importing the URLconf")
