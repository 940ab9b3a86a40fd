"""Turns warnings into errors while a thread runs: os.fork warns then, since 3.12."""

import threading
import time
import warnings

from answer import answer as application  # noqa: F401

warnings.simplefilter("error")
threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
