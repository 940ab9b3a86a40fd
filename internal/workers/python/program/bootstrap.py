"""Where the program starts: `python -c` reads the bundle from descriptor 4 and runs this file.

It makes the other files importable as the package `_fender` and hands over to the template. It
runs once in a template; in a forked worker the stack comes back here, so that a worker stands on
a shallow stack.

`sources` (module name to source text) is put into this file's globals by the command line.
"""

import sys
from importlib.machinery import ModuleSpec

PACKAGE = "_fender"


class Sources:
    """Finder and loader of the bundle. It keeps the text, so that tracebacks show source lines."""

    def __init__(self, texts):
        self.texts = texts

    def find_spec(self, name, path=None, target=None):
        if name == PACKAGE:
            return ModuleSpec(name, self, origin="<fender>", is_package=True)
        package, _, module = name.rpartition(".")
        if package != PACKAGE or module not in self.texts:
            return None
        return ModuleSpec(name, self, origin=file_name(module))

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        name = module.__name__.rpartition(".")[2]
        if name == PACKAGE:
            return
        exec(compile(self.texts[name], file_name(name), "exec"), module.__dict__)

    def get_source(self, name):
        """For linecache, which asks the loader for files that are on no disk."""
        return self.texts.get(name.rpartition(".")[2])


def file_name(module):
    """The file name that tracebacks show for one of the program's modules."""
    return "<fender>/" + module + ".py"


def main(texts):
    """Runs the template; in a forked worker, runs the worker. Ends the process."""
    # The command line ran in __main__, which belongs to the application (pickle and
    # multiprocessing look into it): leave nothing of ours there.
    for name in ("os", "marshal", "f", "s"):
        sys.modules["__main__"].__dict__.pop(name, None)
    finder = Sources(texts)
    sys.meta_path.insert(0, finder)
    try:
        # All modules are loaded here, before anything of the application: each takes the
        # functions that it needs from os, _socket, _thread and time by name while they are
        # still the interpreter's own (gevent and the like replace them later).
        import _fender.ending
        import _fender.template
    finally:
        sys.meta_path.remove(finder)
    template = _fender.template.Template()
    worker = template.run()
    files = template.files
    if worker is None:
        _fender.ending.leave(0, files)
    del template
    _fender.ending.end(worker.run, files)


main(sources)  # noqa: F821 (given by the command line)
