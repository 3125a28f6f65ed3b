"""The process that carries out one run, as `immich-meta sync` would, and writes into its folder how it goes.

Not here: starting it (control.py). It lives on when the page's process ends, and stops when `stop` is in its folder.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Optional

from immich_meta.cli import EXIT_FAILED, EXIT_INTERRUPTED
from immich_meta.errors import ImmichMetaError
from immich_meta.logs import LOGGER_NAME, JsonFormatter, Redactor
from immich_meta.settings import Settings, load
from immich_meta.settings_table import VARIABLES
from immich_meta.web.runs.asked import BadFormError, parsed
from immich_meta.web.runs.folders import RunFolder, replace_object
from immich_meta.web.runs.meter import Meter
from immich_meta.web.runs.process import detach, interrupt_main, locked
from immich_meta.web.runs.run_log import RunLog

_TICK_SECONDS = 0.25
_WRITE_SECONDS = 0.5


class Surroundings(NamedTuple):
    """What a `sync` on the command line would have: its environment, --config, working directory."""

    environ: Mapping[str, str]
    config: Optional[Path]
    directory: Path


def carry_out(folder: RunFolder, around: Surroundings) -> None:
    """The entry of the process. It ends with the run's exit code and waits for no thread (see __main__)."""
    detach()
    with locked(folder, "sync from the web page"):
        code = _Worker(folder, around, _redactor(around)).run()
    os._exit(code)


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Every secret among the settings."""
    values = (getattr(settings, variable.field) for variable in VARIABLES if variable.secret)
    return (*settings.keys_of_all, *(value for value in values if isinstance(value, str) and value))


@dataclass(frozen=True)
class _Worker:
    folder: RunFolder
    around: Surroundings
    redact: Redactor

    def run(self) -> int:
        began, meter = time.time(), Meter(time.monotonic)
        error: Optional[dict[str, str]] = None
        ticker = _Ticker(self.folder, meter, self.redact, began)
        with RunLog(self.folder.log) as log, ticker:
            code, error = self._sync(meter, log)
        replace_object(
            self.folder.path / "result.json",
            {
                "exit_code": code,
                "sums": None if meter.sums is None else meter.sums.as_dict(),
                "error": error,
                "run": meter.run_ids[-1] if meter.run_ids else None,
                "runs": meter.run_ids,
                "ended": time.time(),
                "seconds": round(time.time() - began, 1),
            },
        )
        return code

    def _sync(self, meter: Meter, log: RunLog) -> tuple[int, Optional[dict[str, str]]]:
        """The exit code and, where there was one, the error."""
        from immich_meta.cli.session import run_session

        try:
            modules, flags = parsed(self.folder.arguments())
            flags = {**flags, "report": str(self.folder.report), "yes": True}
            around = self.around
            code = run_session(
                modules,
                around.config,
                flags,
                environ=around.environ,
                directory=around.directory,
                watcher=meter,
                write_json=log.write,
            )
        except (ImmichMetaError, BadFormError) as error:
            return getattr(error, "exit_code", EXIT_FAILED), self._told(error)
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED, None
        except Exception as error:  # noqa: BLE001 - whatever it was, the page has to hear of it
            record = logging.LogRecord(LOGGER_NAME, logging.ERROR, "", 0, "The run broke off", None, sys.exc_info())
            log.write(JsonFormatter(self.redact).format(record))
            return EXIT_FAILED, self._told(error)
        return code, None

    def _told(self, error: Exception) -> dict[str, str]:
        is_ours = isinstance(error, ImmichMetaError)
        cause = error.cause if isinstance(error, ImmichMetaError) else str(error) or type(error).__name__
        return {
            "kind": error.kind if isinstance(error, ImmichMetaError) else "crash",
            "message": self.redact(cause),
            "cure": self.redact(getattr(error, "cure", "")) if is_ours else "",
        }


class _Ticker(threading.Thread):
    """Writes progress.json, and looks for the wish to stop, while the run goes on in the main thread."""

    def __init__(self, folder: RunFolder, meter: Meter, redact: Redactor, started: float) -> None:
        super().__init__(name="progress", daemon=True)
        self._folder = folder
        self._meter = meter
        self._redact = redact
        self._started_at = started
        self._over = threading.Event()
        self._is_stopping = False

    def __enter__(self) -> _Ticker:
        self._write()
        self.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._over.set()
        self.join()
        self._write()

    def run(self) -> None:
        written = time.monotonic()
        while not self._over.wait(_TICK_SECONDS):
            if not self._is_stopping and self._folder.stop.exists():
                self._is_stopping = True
                interrupt_main()
            if time.monotonic() - written >= _WRITE_SECONDS:
                self._write()
                written = time.monotonic()

    def _write(self) -> None:
        reading = self._meter.reading()
        progress = {
            **reading,
            "path": self._redact(reading["path"]),
            "stopping": self._is_stopping,
            "started": self._started_at,
            "updated": time.time(),
            "pid": os.getpid(),
        }
        with contextlib.suppress(OSError):  # a full disk ends no run; the next one may fit again
            replace_object(self._folder.path / "progress.json", progress)


def _redactor(around: Surroundings) -> Redactor:
    try:
        return Redactor(secrets_of(load(around.environ, around.config, around.directory, needs_server=False)))
    except ImmichMetaError:  # the run will say so, and a wrong secret is not quoted
        return Redactor()
