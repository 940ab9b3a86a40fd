"""Sets a default timeout for all sockets to come."""

import socket

from answer import answer as application  # noqa: F401

socket.setdefaulttimeout(0.05)
