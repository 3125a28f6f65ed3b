"""A process that works for the page and lives on without it: on its own, stopped from within, seen to be alive.

Not here: what it does (worker.py, immich_meta.web.undoing.worker).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

from immich_meta.state.lock import StoreLock, take
from immich_meta.web.runs.folders import RunFolder


def interrupt_main() -> None:
    """As Ctrl-C does; on POSIX it also ends a wait for the network."""
    if sys.platform == "win32":
        import _thread

        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def detach() -> None:
    """Neither the page's terminal nor its Ctrl-C reach a run: it is stopped by `stop` alone, or killed."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # it leads a session already
            os.setsid()
    # Whoever started the page may have had it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


@contextlib.contextmanager
def locked(folder: RunFolder, words: str) -> Iterator[StoreLock]:
    """The lock says that the run is alive; `words` say what it is. Raises StateBusyError."""
    lock = take(folder.lock, words, time.time())
    try:
        yield lock
    finally:
        lock.close()
