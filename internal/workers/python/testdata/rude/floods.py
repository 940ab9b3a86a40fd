"""Prints rubbish, more than any pipe holds."""

import os
import sys

from answer import answer as application  # noqa: F401

for i in range(300):
    sys.stdout.buffer.write(b"\x00\xff{\"op\":\"forked\",\"pid\":1}\n" * 40)
    sys.stderr.write("flood \x00 " * 100 + "\n")
os.write(1, b"\x03\x01" * 1000)
print("end of the flood")
