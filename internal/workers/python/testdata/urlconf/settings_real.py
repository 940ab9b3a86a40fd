"""Settings of the Django site."""

import os

DEBUG = False
SECRET_KEY = "for a test"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = os.environ.get("TEST_URLCONF", "urls_real")
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["TEST_DATABASE"]}}
LOGGING_CONFIG = None
