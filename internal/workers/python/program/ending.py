"""How a process of ours ends.

As any Python program does, but for the interpreter's finalization: it clears every module, and so
writes to nearly every page that a worker shares with the template. multiprocessing ends its
children in the same way. What finalization does that outlives the process is done by hand:

    1. the application's threads that are no daemons are waited for
    2. atexit functions
    3. Django's database connections of this thread are closed
    4. files: what is in their buffers is written, temporary ones are removed
    5. standard output and error are flushed
    6. os._exit
"""

import atexit
import sys
from os import _exit

from _fender import database, stderr


def end(run, files):
    """Runs run and ends the process with the exit code that it returns, or gives to sys.exit."""
    try:
        code = run()
    except SystemExit as error:
        code = exit_code(error)
    try:
        threading = sys.modules.get("threading")
        if threading is not None:
            threading._shutdown()
    except BaseException as error:  # a signal handler of the application may raise here
        stderr.say_failure("waiting for the application's threads failed", error)
    leave(code, files)


def leave(code, files):
    """Ends the process without waiting for threads, which may never end."""
    try:
        step(run_exit_functions, "running the atexit functions")
        step(database.close_connections, "closing database connections")
        step(files.finish, "writing what is in the buffers of open files")
        step(files.flush_streams, "flushing standard output and error")
    finally:
        _exit(code & 0xFF)


def step(act, name):
    """Does act. What it raises, or a signal handler of the application meanwhile, holds up nothing else."""
    try:
        act()
    except BaseException as error:
        stderr.say_failure("%s failed" % name, error)


def run_exit_functions():
    """Runs the atexit functions, the last one first. The interpreter itself says what they raise."""
    try:
        atexit._run_exitfuncs()
    except BaseException:  # up to 3.9 it raises the last one's once more, sys.exit's too
        pass


def exit_code(error):
    """What the interpreter makes of a SystemExit."""
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    stderr.emit("%s\n" % (code,))
    return 1
