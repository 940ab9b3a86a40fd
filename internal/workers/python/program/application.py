"""Finding and importing the application, and saying in one line why it cannot be had."""

import glob
import importlib
import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType

from _fender import stderr
from _fender.wsgi import no_application

NO_APPLICATION = 22  # exit code; uWSGI's number
FAILED = 1

# Names under which people keep an application, for the hint when the configured one is missing.
_USUAL = ("application", "app", "wsgi", "wsgi_app", "api", "main", "create_app", "make_app", "get_wsgi_application")


class CannotLoad(Exception):
    """There is no application. The text says what was looked for and what to do."""

    def __init__(self, code, text):
        Exception.__init__(self, text)
        self.code = code


def enter(boot):
    """Goes to chdir and sets sys.argv and sys.path as uWSGI does.

    Each pythonpath entry is inserted at index 0, so that the last comes first; the working
    directory is always there, behind them.
    """
    directory = boot.get("chdir")
    if directory:
        try:
            os.chdir(directory)
        except OSError as error:
            raise CannotLoad(FAILED, "chdir to %s failed: %s; correct the option chdir" % (directory, error.strerror))
    sys.argv[:] = boot.get("argv") or ["fender"]
    if sys.path and sys.path[0] == "":  # put there by -c, unless PYTHONSAFEPATH is set
        del sys.path[0]
    sys.path.insert(0, os.getcwd())
    for entry in boot.get("pythonpath") or ():
        found = sorted(glob.glob(entry)) if glob.has_magic(entry) else []
        for path in found or [entry]:
            sys.path.insert(0, os.path.abspath(path))


def configured(boot):
    """Whether boot names an application at all."""
    return bool(boot.get("module") or boot.get("wsgi_file"))


def load(boot):
    """Imports the application and returns its callable. Raises CannotLoad; the traceback is on stderr."""
    if not configured(boot):
        raise CannotLoad(NO_APPLICATION, "no application is configured: give module (for example mysite.wsgi:application) or wsgi-file")
    name = boot.get("callable") or "application"
    if boot.get("module"):
        module, _, given = boot["module"].partition(":")
        if not module or module.startswith("."):
            raise CannotLoad(NO_APPLICATION, '"%s" does not name a module; write for example mysite.wsgi:application' % boot["module"])
        return _callable(_guarded(_import, module), given or name, 'module "%s"' % module)
    path = boot["wsgi_file"]
    return _callable(_guarded(_execute, path), name, 'file "%s"' % path)


def load_or_stand_in(boot):
    """As load; where need-app is off, what stands in for an application that cannot be loaded."""
    try:
        return load(boot)
    except CannotLoad as error:
        if boot.get("need_app", True):
            raise
        stderr.say("%s; going on without an application, as need-app is off" % error)
        return no_application


def _guarded(step, name):
    """Runs a step of the application's own code; whatever it raises becomes CannotLoad."""
    try:
        return step(name)
    except CannotLoad:
        raise
    except SystemExit as error:
        stderr.say_failure("importing %s called sys.exit" % name, error)
        raise CannotLoad(FAILED, 'importing "%s" called sys.exit(%r): an application must not exit while it is imported' % (name, error.code))
    except BaseException as error:
        stderr.say_failure("importing %s failed" % name, error)
        text = 'importing "%s" failed: %s' % (name, stderr.last_line(error)[:1000])
        if isinstance(error, ImportError):
            text += "; install it for %s, or correct virtualenv or pythonpath" % sys.executable
        else:
            text += place(error)
        raise CannotLoad(FAILED, text)


def _import(name):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing and (name == missing or name.startswith(missing + ".")):
            stderr.say_failure("importing %s failed" % name, error)
            raise CannotLoad(
                NO_APPLICATION,
                'there is no module "%s" in %s, in pythonpath or among the packages of %s; correct module, chdir or pythonpath'
                % (missing, os.getcwd(), sys.executable),
            )
        raise


class _FileLoader(SourceFileLoader):
    """Reads a WSGI file of any suffix; without a bytecode cache, where app.wsgi would meet app.py."""

    def get_code(self, fullname):
        return self.source_to_code(self.get_data(self.path), self.path)


def _execute(path):
    whole = os.path.abspath(path)
    if not os.path.isfile(whole):
        raise CannotLoad(NO_APPLICATION, "there is no file %s; correct wsgi-file or chdir" % whole)
    name = "uwsgi_file_" + "".join(c if c.isalnum() else "_" for c in path)  # uWSGI's name for it
    loader = _FileLoader(name, whole)
    module = ModuleType(name)
    module.__file__ = whole
    module.__loader__ = loader
    module.__spec__ = ModuleSpec(name, loader, origin=whole)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _callable(module, wanted, where):
    """The callable in the module; `name()` calls name once, without arguments, to make it."""
    factory = wanted.endswith("()")
    name = wanted[:-2] if factory else wanted
    found = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            text = '%s has no "%s"' % (where, name)
            usual = [n for n in _USUAL if callable(getattr(module, n, None))]
            if usual:
                text += "; it has %s: set callable" % ", ".join(usual)
            else:
                text += "; set callable to the name of the WSGI application in it"
            raise CannotLoad(NO_APPLICATION, text)
    if not callable(found):
        raise CannotLoad(NO_APPLICATION, '"%s" in %s is %s, not a callable; set callable to the WSGI application' % (name, where, type(found).__name__))
    if not factory:
        return found
    made = _guarded(lambda _: found(), "%s, calling %s" % (where.replace('"', ""), wanted))
    if not callable(made):
        raise CannotLoad(NO_APPLICATION, "%s in %s returned %s, not a WSGI application" % (wanted, where, type(made).__name__))
    return made


def place(error):
    """Where an exception was raised: ` (file:line)`, the last place in the application's code."""
    if isinstance(error, SyntaxError) and error.filename:
        return " (%s:%d)" % (error.filename, error.lineno or 0)
    found = ""
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not stderr.is_own(name):
            found = " (%s:%d)" % (name, trace.tb_lineno)
        trace = trace.tb_next
    return found
