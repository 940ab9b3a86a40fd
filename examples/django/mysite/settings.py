"""Settings of the example site: what `startproject` writes, less the admin.

The environment decides what differs between a laptop, a test and a container:

EXAMPLE_DB          path of the SQLite database      (db.sqlite3 beside manage.py)
EXAMPLE_VAR         directory for generated files    (var/ beside manage.py)
EXAMPLE_DEBUG       1 turns DEBUG on                 (off)
EXAMPLE_CHAOS       1 adds the views that do harm    (off: they are 404)
EXAMPLE_SECRET_KEY  Django's secret key              (a key for development)
"""
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("EXAMPLE_DEBUG") == "1"
SECRET_KEY = os.environ.get(
    "EXAMPLE_SECRET_KEY", "for-development-only-and-known-to-everybody-who-reads-this"
)
# The site is reached by many names: loopback, a container's address, a balancer's.
ALLOWED_HOSTS = ["*"]

EXAMPLE_CHAOS = os.environ.get("EXAMPLE_CHAOS") == "1"
EXAMPLE_VAR = Path(os.environ.get("EXAMPLE_VAR") or BASE_DIR / "var")

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "demo",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "mysite.urls"
WSGI_APPLICATION = "mysite.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request"],
        },
    },
]

# Several processes write this file. WAL lets readers and one writer work at the
# same time; IMMEDIATE takes the write lock when a transaction begins, because a
# transaction that asks for it half-way fails at once instead of waiting.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("EXAMPLE_DB") or BASE_DIR / "db.sqlite3",
        # A connection lives longer than a request: the last one to close would
        # have to copy the whole WAL back each time.
        "CONN_MAX_AGE": 60,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# Without DEBUG, Django's default sends errors by mail and prints nothing.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        # A 404 is the access log's business.
        "django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
    },
}
