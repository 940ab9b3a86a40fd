"""Answers that are not whole at once: streams, large bodies, files, large heads."""

import errno
import os
from os import close as _close
from time import monotonic

from _fender import stderr
from _fender.filewrapper import plain_range
from _fender.frame import ANSWER, CLOSING, END, FILE, HEAD, HEAD_IN_DESCRIPTOR, SIZE, VERSION, pack, pack_range
from _fender.head import BadAnswer, content_length
from _fender.page import ABORT, INTERRUPT, STATE
from _fender.page import CLOSING as _CLOSING
from _fender.page import ITERATING as _ITERATING
from _fender.sockets import rights

# What a send says when the master's end of the slot has gone, or the application has closed ours.
GONE = frozenset((errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF, errno.ENOTSOCK))


class ClientGone(BrokenPipeError):
    """The client has left, or the master: nobody reads this answer any more."""


class Stream:
    """One answer, part by part. Made when the short way does not fit.

    about() gives (head, fields, bodiless) as start_response left them; it is asked when the first
    part leaves, since the application may call start_response as late as in its first step.
    """

    __slots__ = (
        "slot", "request", "sequence", "about", "words", "part", "ended", "ending", "closing", "bodiless", "left",
    )

    def __init__(self, slot, request, sequence, about):
        self.slot = slot
        self.request = request
        self.sequence = sequence
        self.about = about
        self.words = slot.words
        self.part = 0  # parts sent so far
        self.ended = False  # the end frame has been sent, or is being sent
        self.ending = 0.0  # when
        self.closing = True  # something is left to do after the end frame
        self.bodiless = False
        self.left = None  # bytes until Content-Length is reached, None if there is none

    def write(self, data):
        """The write callable of PEP 3333: data is on its way when it returns."""
        data = as_bytes(data)
        if data:
            self.put(data, False)

    def iterate(self, chunks):
        """Sends each chunk when it comes; the head goes with the first that is not empty."""
        self.words[self.slot.at + STATE] = self.sequence << 3 | _ITERATING
        for chunk in chunks:
            if type(chunk) is not bytes:
                chunk = as_bytes(chunk)
            if not chunk:
                continue
            if self.ended:
                if not self.bodiless:
                    stderr.say("request %d: the application gave more bytes than its Content-Length; cut" % self.request)
                return
            self.put(chunk, False)
            if self.bodiless:
                return
        if not self.ended:
            self.put(b"", True)

    def put(self, data, last):
        """Sends data in as many parts as it takes. last: the answer ends with it.

        It ends too when Content-Length is reached: the client need not wait for what the
        application does after its last byte.
        """
        if self.ended or not (data or last):
            return
        head = b""
        if not self.part:
            head = self.begin()
            if self.bodiless:
                data = b""
                if not last:
                    last = self.closing = True
        if self.left is not None and data:
            self.left -= len(data)
            if not self.left and not last:
                last = self.closing = True
        space = self.slot.largest - SIZE
        if len(head) > space:
            self.send_large_head(head, last and not data)
            head = b""
            if not data:
                return
        view = memoryview(data)
        while True:
            piece = view[: space - len(head)]
            view = view[len(piece) :]
            self.transmit(HEAD if head else 0, head, piece, last and not view)
            head = b""
            if not view:
                return

    def begin(self):
        """The head, when the first part is about to leave."""
        head, fields, self.bodiless = self.about()
        if head is None:
            raise BadAnswer("the application gave an answer before it called start_response")
        self.left = content_length(fields)
        return head

    def transmit(self, flags, head, data, end, ancillary=()):
        """Sends one frame; a later one only while the client is there."""
        slot = self.slot
        if self.part and self.words[slot.at + ABORT] == self.sequence:
            raise ClientGone(errno.EPIPE, "the client has left")
        if end:
            flags |= END | self.finish()
        frame = pack(ANSWER, VERSION, flags, len(head), self.request, self.sequence, self.part)
        self.part += 1  # before it leaves: what a signal raises comes after the system call
        try:
            slot.socket.sendmsg((frame, head, data), ancillary)
        except OSError as error:
            self.part -= 1
            if error.errno not in GONE:
                self.ended = False
                raise
            slot.gone = True
            raise ClientGone(error.errno, "the server has gone")

    def finish(self):
        """What the wire wants before an end frame: the page says closing, or idle already."""
        self.ended = True
        self.ending = monotonic()
        if self.closing:
            self.words[self.slot.at + STATE] = self.sequence << 3 | _CLOSING
            return CLOSING
        self.words[self.slot.at + STATE] = self.sequence << 3
        if self.slot.settle_always or self.words[self.slot.at + INTERRUPT] == self.sequence:
            self.slot.settle()
        return 0

    def send_large_head(self, head, end):
        """A head larger than a frame travels in an unlinked file."""
        descriptor = _unnamed_file()
        try:
            _write_all(descriptor, head)
            self.transmit(HEAD | HEAD_IN_DESCRIPTOR, b"", b"", end, rights(descriptor))
        finally:
            _close(descriptor)

    def send_file(self, wrapper):
        """Sends what wsgi.file_wrapper made: the file itself where it is one, else its chunks."""
        found = None if self.part else plain_range(wrapper.filelike)
        if found is None:
            self.iterate(wrapper)
            return
        head = self.begin()
        descriptor, offset, length = found
        if self.left is not None:
            length = min(length, self.left)
        if self.bodiless or not length:
            self.put(b"", True)
            return
        if len(head) > self.slot.largest - SIZE - 16:
            self.send_large_head(head, False)
            head = b""
        try:
            self.transmit(FILE | (HEAD if head else 0), head, pack_range(offset, length), True, rights(descriptor))
        except ClientGone:
            raise
        except OSError:  # the kernel takes no more descriptors now
            self.iterate(wrapper)


def join(chunks):
    """All chunks of a list or tuple in one piece."""
    if len(chunks) == 1:
        return chunks[0]
    try:
        return b"".join(chunks)
    except TypeError:
        return b"".join([as_bytes(chunk) for chunk in chunks])


def as_bytes(chunk):
    """A chunk as bytes; other kinds of buffers are copied, all else is refused."""
    if isinstance(chunk, bytes):
        return bytes(chunk)
    if isinstance(chunk, (bytearray, memoryview)):
        return bytes(chunk)
    raise BadAnswer("the application's answer holds %s, not bytes: encode it" % type(chunk).__name__)


def _unnamed_file():
    """A file in memory: the master reads no other, since its loop must not wait for a disk."""
    create = getattr(os, "memfd_create", None)  # 3.8
    if create is not None:
        return create("fender-head", os.MFD_CLOEXEC)
    try:
        return os.open("/dev/shm", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadAnswer("headers as large as these need /dev/shm before Python 3.8: %s" % error.strerror)


def _write_all(descriptor, data):
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


__all__ = ["GONE", "ClientGone", "Stream", "as_bytes", "join"]
