"""The frames of a slot: the head that every message begins with, kinds and flags.

The numbers are the wire's; ARCHITECTURE.md has the table, the Go side its own copy.
"""

import struct

VERSION = 1

HELLO = 1
REQUEST = 2
ANSWER = 3
IDLE = 4
CALL = 5
RETURN = 6
COMMAND = 7
FAILED = 8
REFUSED = 9

HEAD_IN_DESCRIPTOR = 0x1
BODY_IN_DESCRIPTOR = 0x2
END = 0x4
FILE = 0x8
HEAD = 0x10
ERROR = 0x20
CLOSING = 0x40

# kind, version, flags, head length, request id, sequence, part
_head = struct.Struct("<BBHIQII")
SIZE = _head.size
pack = _head.pack
unpack_from = _head.unpack_from

# offset and length of a part that is a range of a file
pack_range = struct.Struct("<QQ").pack

# The version of the marshal format on the wire: the newest one without references.
MARSHAL = 2
