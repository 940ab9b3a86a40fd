"""The WSGI application: mysite.wsgi:application."""
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

application = get_wsgi_application()

from django.conf import settings  # noqa: E402 (settings exist only from here on)

if settings.EXAMPLE_CHAOS:
    from demo.chaos import Raising

    application = Raising(application)
