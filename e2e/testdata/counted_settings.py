"""The example site's settings with database connections that live as long as COUNTED_AGE says."""

import os

from mysite.settings import *  # noqa: F403
from mysite.settings import DATABASES

ROOT_URLCONF = "counted"
DATABASES["default"]["CONN_MAX_AGE"] = int(os.environ.get("COUNTED_AGE", "0"))
