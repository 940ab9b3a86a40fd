"""Open files: what is still in their buffers before a fork, and when a process ends.

A process of ours ends without the interpreter's finalization, which would write to nearly every
page that a worker shares with the template. What finalization does for open files is done here.

What the template has opened is looked up before each fork and remembered by weak references, since
it is frozen then. What a worker has opened is among the objects that are not frozen, whose pages
are the worker's own: to look through them copies nothing.
"""

import gc
import io
import sys
from weakref import ref

from _thread import allocate_lock, start_new_thread

# A thread that never ends, or that the fork has left behind, may hold the lock of a file. A file
# that takes longer is left alone. CPython waits one second for such a lock.
PATIENCE = 2  # seconds

_unfreeze = getattr(gc, "unfreeze", None)  # 3.7

_WRITERS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)

# The standard library's classes whose __del__ completes a file, or removes it.
_COMPLETED = (
    ("tempfile", "_TemporaryFileCloser"),
    ("gzip", "GzipFile"),
    ("bz2", "BZ2File"),
    ("lzma", "LZMAFile"),
    ("zipfile", "ZipFile"),
    ("shelve", "Shelf"),
    ("dbm.dumb", "_Database"),
)


class Mark:
    """Made after the fork: once it is not found, the application has frozen what came after it."""


class Files:
    """The open files of the template, and in a worker also its own."""

    def __init__(self):
        self.writers = []  # weak references to the template's
        self.completed = []
        self.hanging = []  # of the writers; nobody waits for them again
        self.looked = False
        self.crowded = False  # the template has threads beside the one that forks
        self.mark = None  # a Mark in a worker

    def before_fork(self):
        """Leaves nothing in a buffer that each worker would write once more."""
        if not self.looked:
            self.looked = True
            if _unfreeze is not None:
                _unfreeze()  # what the application has frozen itself
            self.look()
        elif _unfreeze is not None:  # without freezing, each look would copy what the workers share
            self.look()
        self.crowded = others_run()
        if self.crowded and sys.version_info < (3, 7):
            return  # threads ended by pthread_exit there, and a fork meanwhile could end the worker
        hanging = do_each(flush, self.free(alive(self.writers)), self.crowded)
        self.hanging = references(alive(self.hanging) + hanging)

    def look(self):
        """Remembers what the template has opened since the last look."""
        writers, completed, _ = search()
        self.writers = references(alive(self.writers) + writers)
        self.completed = references(alive(self.completed) + completed)

    def after_fork(self):
        """In a worker: the files that are opened from now on are its own."""
        self.mark = Mark()

    def finish(self):
        """Before the process ends: writes what is still in buffers, completes and removes files."""
        writers, completed, marked = search()
        if self.mark is not None and not marked:
            _unfreeze()
            writers, completed, _ = search()
        ours = alive(self.completed)
        if self.mark is None:
            completed += ours
        else:  # the template's are for the template to remove
            completed = [file for file in completed if not among(file, ours)]
        writers = self.free(writers + alive(self.writers))
        crowded = self.crowded or others_run()
        do_each(flush, writers, crowded)
        if completed:
            do_each(complete, completed, crowded)
            do_each(flush, writers, crowded)

    def flush_streams(self):
        """Flushes standard output and error, whatever the application has made of them."""
        do_each(flush, (sys.stdout, sys.stderr), self.crowded or others_run())

    def free(self, writers):
        """Those of writers that do not hang."""
        hanging = alive(self.hanging)
        return [file for file in writers if not among(file, hanging)]


def search():
    """What can be written, what is to be completed, and whether there is a Mark, among the objects that are not frozen.

    It asks for the type of each object and for nothing else, which runs no code of the application.
    """
    writing = kinds(_WRITERS)
    completing = kinds(filter(None, (getattr(sys.modules.get(module), name, None) for module, name in _COMPLETED)))
    mark = id(Mark)
    wanted = set(writing)
    wanted.update(completing)
    wanted.add(mark)
    objects = gc.get_objects()
    found = [(kind, item) for kind, item in zip(map(id, map(type, objects)), objects) if kind in wanted]
    writers = [item for kind, item in found if kind in writing and writable(item)]
    return writers, [item for kind, item in found if kind in completing], any(kind == mark for kind, _ in found)


def kinds(classes):
    """The ids of classes and of all that derive from them."""
    found = {}
    waiting = list(classes)
    while waiting:
        kind = waiting.pop()
        if id(kind) not in found:
            found[id(kind)] = kind
            waiting.extend(type.__subclasses__(kind))
    return found


def writable(file):
    """Whether something may be in the buffer of file."""
    try:
        return not file.closed and file.writable()
    except BaseException:  # it is half made, or detached
        return False


def references(files):
    """Weak references to those of files that can have one."""
    made = []
    for file in files:
        try:
            made.append(ref(file))
        except TypeError:
            pass
    return made


def alive(known):
    """The files that weak references still lead to."""
    return [file for file in (reference() for reference in known) if file is not None]


def among(file, files):
    """Whether file is one of files; asks the files for nothing."""
    return any(file is other for other in files)


def others_run():
    """Whether this process has other threads that know Python."""
    return len(sys._current_frames()) > 1


def flush(file):
    file.flush()


def complete(file):
    file.__del__()


def do_each(act, files, crowded):
    """Does act with each of files, whatever it raises. Returns those that it hangs with.

    crowded says that a lock may never be freed: then a thread of its own does it, another one where
    that hangs, and only threads are left behind.
    """
    waiting = list(files)
    if not waiting:
        return []
    if not crowded:
        do_waiting(act, waiting, {}, None)
        return []
    under_way = {}  # number of the thread: what it is at
    while waiting:
        done = allocate_lock()
        done.acquire()
        start_new_thread(do_waiting, (act, waiting, under_way, done))
        done.acquire(True, PATIENCE)
    return list(under_way.values())


def do_waiting(act, waiting, under_way, done):
    """Does act with what is waiting until nothing is; done is released then."""
    me = id(done)
    while waiting:
        try:
            file = under_way[me] = waiting.pop()
            act(file)
        except BaseException:
            pass  # as where finalization fails to write: nobody is left who could be told
        under_way.pop(me, None)
    if done is not None:
        done.release()
