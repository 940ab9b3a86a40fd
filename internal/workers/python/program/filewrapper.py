"""wsgi.file_wrapper, and how to find the plain file behind one."""

import io
import os
import stat
import sys

_fstat = os.fstat
_PLAIN = (io.BufferedReader, io.BufferedRandom, io.FileIO)


class FileWrapper:
    """What the application makes of a file that it wants to send (PEP 3333).

    Returned unchanged, the front sends the file itself; otherwise it is an ordinary iterator.
    """

    def __init__(self, filelike, blksize=8192):
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self):
        return self

    def __next__(self):
        data = self.filelike.read(self.blksize)
        if data:
            return data
        raise StopIteration


def plain_range(filelike):
    """(descriptor, offset, length) of the rest of a regular file, or None.

    None unless reading the object is exactly reading the file: a gzip.GzipFile has a fileno too,
    but the file's bytes are not its bytes. So the object whose `read` it is must be one of io's
    own file classes; Django's File and tempfile's wrapper lead to theirs.
    """
    try:
        temporary = sys.modules.get("tempfile")
        if temporary is not None and type(filelike) is getattr(temporary, "_TemporaryFileWrapper", None):
            filelike = filelike.file
        inner = getattr(filelike.read, "__self__", None)
        kind = type(inner)
        if kind not in _PLAIN or (kind is not io.FileIO and type(inner.raw) is not io.FileIO):
            return None
        if kind is io.BufferedRandom:
            inner.flush()
        descriptor = inner.fileno()
        about = _fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or not inner.readable():
            return None
        offset = inner.tell()
        return descriptor, offset, max(about.st_size - offset, 0)
    except Exception:
        return None
