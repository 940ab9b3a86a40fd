"""wsgi.input for bodies that came as a descriptor.

A body that fits in the message is an io.BytesIO; this one reads the front's spool file. It is read
with pread: the descriptor's offset is shared with the front, which may need the body again for
another worker.
"""

import io
from os import close, fstat, pread

_PIECE = 1 << 20


class _Spooled(io.RawIOBase):
    """A regular file from its beginning to the size that it had when the request came."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.size = fstat(descriptor).st_size
        self.position = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        want = min(len(buffer), self.size - self.position)
        if want <= 0:
            return 0
        data = pread(self.descriptor, want, self.position)
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)

    def readall(self):
        pieces = []
        while self.position < self.size:
            data = pread(self.descriptor, min(_PIECE, self.size - self.position), self.position)
            if not data:
                break
            self.position += len(data)
            pieces.append(data)
        return b"".join(pieces)

    def close(self):
        if not self.closed:
            close(self.descriptor)
        super().close()


def spooled(descriptor):
    """wsgi.input over a descriptor, which is closed with it."""
    return io.BufferedReader(_Spooled(descriptor), 65536)


def read_whole(descriptor):
    """All of a descriptor's bytes: a request's head that did not fit in a message. Closes it."""
    raw = _Spooled(descriptor)
    try:
        return raw.readall()
    finally:
        raw.close()
