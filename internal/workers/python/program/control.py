"""The template's end of its control socket: JSON objects, one a message, descriptors beside them."""

import json
from errno import ENOBUFS, ENOMEM
from os import close
from time import sleep as _sleep

from _fender.sockets import CLOEXEC, MSG_CTRUNC, descriptors, from_descriptor, space_for

DESCRIPTOR = 3
LARGEST = 65536
MOST_DESCRIPTORS = 253  # SCM_MAX_FD of the kernel

# The kernel has no memory for a message now.
_NO_MEMORY = frozenset((ENOBUFS, ENOMEM))

_dumps = json.dumps
_loads = json.loads


class Control:
    """Receives what the master wants and sends what became of it."""

    def __init__(self):
        self.socket = from_descriptor(DESCRIPTOR)
        self.socket.settimeout(None)
        self.space = space_for(MOST_DESCRIPTORS)

    def receive(self):
        """The next message and its descriptors; (None, []) when the master has gone."""
        while True:
            try:
                data, ancillary, flags, _ = self.socket.recvmsg(LARGEST, self.space, CLOEXEC)
            except ConnectionError:
                return None, []
            given = descriptors(ancillary)
            if not data:
                return None, given
            if flags & MSG_CTRUNC:
                let_go(given)
                self.refuse("message", "its descriptors did not all arrive: too many open files")
                continue
            try:
                message = _loads(data.decode("utf-8"))
                message["op"]
            except (ValueError, KeyError, TypeError):
                let_go(given)
                self.refuse("message", "not a JSON object with an op")
                continue
            return message, given

    def send(self, op, **fields):
        """Sends one message. A master that has gone is noticed by the next receive."""
        fields["op"] = op
        data = _dumps(fields).encode("utf-8")
        while True:
            try:
                self.socket.send(data)
            except ConnectionError:
                pass
            except OSError as error:
                if error.errno not in _NO_MEMORY:
                    raise
                _sleep(0.02)
                continue
            return

    def refuse(self, name, why, **fields):
        """Says that a message was not understood, or could not be done."""
        self.send("refused", name=str(name)[:100], why=why, **fields)

    def close(self):
        """Closes this process's copy of the socket."""
        self.socket.close()


def let_go(given):
    """Closes descriptors that nobody will use."""
    for descriptor in given:
        close(descriptor)
