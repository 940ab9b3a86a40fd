"""Closes its standard descriptors, as a program that makes itself a daemon does."""

import os

from answer import answer as application  # noqa: F401

for descriptor in (0, 1, 2):
    os.close(descriptor)
