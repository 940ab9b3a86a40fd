"""The page: words of shared memory in which each slot says what it is doing.

One u64 each, written with one store (a memoryview of format Q copies eight bytes at once). The
layout is in ARCHITECTURE.md. Code on the hot path uses `words` directly, with the index that
`slot_at` gives.
"""

from mmap import mmap

MAGIC = 0x66656E64657201
HEARD = 1  # index of the count of interrupts that the main thread has seen

# Words of one slot, from its index on.
STATE = 0
TID = 1
INTERRUPT = 2
ABORT = 3
WITHDRAWN = 4

# Phases, the lowest three bits of the state; the sequence stands above them.
IDLE = 0
CALLING = 1
ITERATING = 2
CLOSING = 3


def slot_at(number):
    """Index of a slot's first word."""
    return 8 * (number + 1)


class Page:
    """One worker's mapping of the page. It does not own the descriptor that it was made from."""

    def __init__(self, descriptor, threads):
        self.map = mmap(descriptor, 64 * (threads + 1))
        self.words = memoryview(self.map).cast("Q")
        if self.words[0] != MAGIC:
            raise ValueError("the page begins with %#x, expected %#x" % (self.words[0], MAGIC))

    def close(self):
        """Unmaps the page: for children of the application, which have no business with it."""
        self.words.release()
        self.map.close()
