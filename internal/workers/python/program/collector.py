"""The garbage collector around the fork.

No collection runs while the application is imported, and none in the template: what is freed there
leaves holes in pages that the workers share. Before each fork everything is moved to the permanent
generation, which a worker's collector never visits, so its pages stay shared.
"""

import gc

_freeze = getattr(gc, "freeze", None)  # 3.7


class Collector:
    """Remembers how the application wants its collector, and gives that to the workers."""

    def __init__(self):
        self.enabled = gc.isenabled()
        self.thresholds = gc.get_threshold()

    def pause(self):
        """Before the import. A threshold of 0 stops it and leaves gc.isenabled() to the application."""
        gc.set_threshold(0, *self.thresholds[1:])

    def note(self):
        """After the import: what the application has set itself is kept; none runs in the template."""
        self.enabled = gc.isenabled()
        now = gc.get_threshold()
        if now[0] != 0:
            self.thresholds = now
        gc.disable()

    def freeze(self):
        """Before a fork."""
        if _freeze is not None:
            _freeze()

    def resume(self):
        """In a worker, once its application is there."""
        gc.set_threshold(*self.thresholds)
        if self.enabled:
            gc.enable()
        else:
            gc.disable()
