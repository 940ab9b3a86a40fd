"""Goes somewhere else."""

import os

from answer import answer as application  # noqa: F401

os.chdir("/")
