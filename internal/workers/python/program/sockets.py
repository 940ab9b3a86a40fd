"""Sockets made from descriptors, free of what the application does to the socket module."""

import _socket
from array import array

from _socket import CMSG_SPACE, MSG_CTRUNC, SCM_RIGHTS, SOL_SOCKET

CLOEXEC = 0x40000000  # MSG_CMSG_CLOEXEC; the socket module names it on some builds only
_new = _socket.socket
_get_default = _socket.getdefaulttimeout
_set_default = _socket.setdefaulttimeout
_UNIX = _socket.AF_UNIX
_PACKETS = _socket.SOCK_SEQPACKET


def from_descriptor(descriptor):
    """A socket object for a connected SOCK_SEQPACKET descriptor, which it owns from now on.

    socket.setdefaulttimeout in the application's settings must not reach it: a timeout would
    also make the descriptor non-blocking, on the master's side too, since flags are shared.
    """
    default = _get_default()
    if default is not None:
        _set_default(None)
    try:
        return _new(_UNIX, _PACKETS, 0, descriptor)
    finally:
        if default is not None:
            _set_default(default)


def descriptors(ancillary):
    """The descriptors in the ancillary data of one recvmsg."""
    found = array("i")
    for level, kind, data in ancillary:
        if level == SOL_SOCKET and kind == SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return found.tolist()


def rights(descriptor):
    """Ancillary data that carries one descriptor."""
    return ((SOL_SOCKET, SCM_RIGHTS, array("i", (descriptor,))),)


def space_for(count):
    """Bytes of ancillary data in which count descriptors fit."""
    return CMSG_SPACE(array("i").itemsize * count)


__all__ = ["CLOEXEC", "MSG_CTRUNC", "descriptors", "from_descriptor", "rights", "space_for"]
