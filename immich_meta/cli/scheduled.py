"""One run of `watch`, in a process of its own: what it needed of memory goes with it.

Not here: when it comes (immich_meta.schedule), and the run (sync.py).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, Optional

from immich_meta.cli import EXIT_FAILED, exit_code_of
from immich_meta.cli.interrupt import Interrupt

Params = Mapping[str, Any]
"""All options of `sync`, by their names."""


def run_apart(params: Params, stop: Interrupt) -> Optional[int]:
    """Carry out one `sync` in another process and wait for it; its exit code, None when somebody wants to stop.

    A signal is handed on, so that the run finishes what is in hand; the next one ends it now. 128 + N: it died of
    signal N.
    """
    # Not a daemon: a run has worker processes of its own.
    process = multiprocessing.get_context("spawn").Process(target=carry_out, args=(params,), daemon=False)
    process.start()
    is_told = False
    while process.is_alive():
        try:
            with contextlib.nullcontext() if is_told else stop.waiting():
                wait([process.sentinel])
        except KeyboardInterrupt:
            is_told = True
            _hand_on(process)
    process.join()
    code = EXIT_FAILED if process.exitcode is None else process.exitcode
    process.close()
    if stop.requested:
        return None
    return 128 - code if code < 0 else code


def carry_out(params: Params) -> None:
    """The entry of that process."""
    from immich_meta.cli.process import leave, print_any_text

    if sys.platform != "win32":
        # Ctrl-C in a terminal is for whoever started this process, and is handed on.
        os.setpgid(0, 0)
    print_any_text()
    leave(exit_code_of(lambda: _sync(params)))


def _sync(params: Params) -> int:
    from immich_meta.cli.sync import command
    from immich_meta.errors import StateBusyError
    from immich_meta.schedule import BUSY

    assert command.callback is not None  # noqa: S101 - it is a command
    try:
        return int(command.callback(**params))
    except StateBusyError as error:
        import click

        click.echo(f"immich-meta: {error}", err=True)
        return BUSY


def _hand_on(process: BaseProcess) -> None:
    if sys.platform != "win32" and process.pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
