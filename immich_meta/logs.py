"""Log lines: text or JSON, one per message, to standard output and a file, never with the API key in them.

Not here: what is worth saying (the callers), and the report of a run (sync/report.py).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Callable, Optional, TextIO
from urllib.parse import quote

LOGGER_NAME = "immich_meta"
REDACTED = "***"

# C0, C1, line and paragraph separators, lone surrogates, and the marks that turn the direction of writing:
# in a file's name each could forge a line or hide what it says.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# A shorter secret would also redact ordinary words.
_SHORTEST_SECRET = 4
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

Write = Callable[[str], None]


def one_line(text: str) -> str:
    """The text with everything that could break or disguise a line written as an escape."""
    return _UNPRINTABLE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return _SHORT.get(match[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


class Redactor:
    """Replaces every secret, also as it stands in JSON or in an address, by `***`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {
            form
            for secret in secrets
            if len(secret) >= _SHORTEST_SECRET
            for form in (
                secret,
                json.dumps(secret)[1:-1],
                quote(secret, safe=""),
                one_line(secret),
                repr(secret)[1:-1],
            )
        }
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        return self._pattern.sub(REDACTED, text) if self._pattern else text


class TextFormatter(logging.Formatter):
    """`[YYYY-MM-DD HH:MM:SS] [LEVEL  ] message`; a traceback follows on lines that start with `    | `."""

    def __init__(self, redact: Redactor, zone: Optional[tzinfo] = None) -> None:
        super().__init__()
        self._redact = redact
        self._zone = zone

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, self._zone)
        lines = [f"[{moment:%Y-%m-%d %H:%M:%S}] [{record.levelname:<7}] {one_line(record.getMessage())}"]
        lines += [f"    | {one_line(line)}" for line in _traceback(self, record).splitlines()]
        return self._redact("\n".join(lines))


class JsonFormatter(logging.Formatter):
    """One object per line: `timestamp` (ISO 8601 with offset), `level`, `message`, `extra` (an object)."""

    def __init__(self, redact: Redactor, zone: Optional[tzinfo] = None) -> None:
        super().__init__()
        self._redact = redact
        self._zone = zone

    def format(self, record: logging.LogRecord) -> str:
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        trace = _traceback(self, record)
        if trace:
            extra["exception"] = trace
        moment = datetime.fromtimestamp(record.created, self._zone)
        line = {
            "timestamp": (moment if self._zone else moment.astimezone()).isoformat("T", "milliseconds"),
            "level": record.levelname,
            "message": one_line(record.getMessage()),
            "extra": extra,
        }
        return self._redact(json_line(line, ascii_only=True))


def json_line(value: object, *, ascii_only: bool = False) -> str:
    """One line of valid JSON, whatever texts and numbers are in `value`; other objects become their text."""
    try:
        text = json.dumps(value, ensure_ascii=ascii_only, allow_nan=False, default=str)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=ascii_only, default=str)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _finite(value: object) -> object:
    """The same with NaN and infinities, which JSON cannot hold, as texts."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, dict):
        return {str(name): _finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""


class LineHandler(logging.Handler):
    """Hands finished lines to `write`; when that fails it stops, and says so once through `on_failure`.

    `file` is closed with the handler.
    """

    def __init__(self, write: Write, on_failure: Callable[[OSError], None], file: Optional[TextIO] = None) -> None:
        super().__init__()
        self._write: Optional[Write] = write
        self._on_failure = on_failure
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        if self._write is None:
            return
        try:
            self._write(self.format(record))
        except OSError as error:
            self._write = None
            self._on_failure(error)

    def close(self) -> None:
        self._write = None
        if self._file is not None:
            with contextlib.suppress(OSError):  # a full disk: what did not fit was reported when it was written
                self._file.close()
        super().close()


def stream_writer(stream: TextIO) -> Write:
    """Writes lines to a stream, above a progress bar when tqdm shows one, in any encoding of the stream."""

    def write(line: str) -> None:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        line = line.encode(encoding, "backslashreplace").decode(encoding)
        tqdm = sys.modules.get("tqdm")
        if tqdm is not None:
            tqdm.tqdm.write(line, file=stream)
        else:
            stream.write(line + "\n")
        stream.flush()

    return write


@dataclass(frozen=True)
class Logs:
    """The configured logger. Close it (or use it in a `with`) to give back the file and the handlers.

    `redact` removes the secrets from any other text that leaves the program.
    """

    logger: logging.Logger
    redact: Redactor
    handlers: tuple[logging.Handler, ...]

    def close(self) -> None:
        for handler in self.handlers:
            self.logger.removeHandler(handler)
            handler.close()
        self.logger.propagate = True

    def __enter__(self) -> Logs:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


def configure(
    log_file: Optional[Path],
    *,
    level: str = "INFO",
    json_lines: bool = False,
    secrets: Iterable[str] = (),
    stream: Optional[TextIO] = None,
    write: Optional[Write] = None,
    zone: Optional[tzinfo] = None,
    write_json: Optional[Write] = None,
) -> Logs:
    """Set the logger `immich_meta` up: lines go to `write`, else to `stream`, else to stdout, and are
    appended to `log_file`, when there is one; `write_json` gets them as JSON. Times are in `zone`, else in local time.

    A log file that cannot be written is a warning, and the run goes on. What an earlier call had set up is
    replaced. Raises ValueError when `level` is not one of logging's.
    """
    logger = logging.getLogger(LOGGER_NAME)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(level.upper())
    logger.propagate = False
    redact = Redactor(secrets)
    formatter: logging.Formatter = JsonFormatter(redact, zone) if json_lines else TextFormatter(redact, zone)
    handlers: list[logging.Handler] = [LineHandler(write or stream_writer(stream or sys.stdout), lambda error: None)]
    file, failure = _open(log_file)
    if file is not None:
        handlers.append(LineHandler(_file_writer(file), lambda error: _warn(logger, log_file, error), file))
    for handler in handlers:
        handler.setFormatter(formatter)
    if write_json is not None:
        handlers.append(LineHandler(write_json, lambda error: None))
        handlers[-1].setFormatter(JsonFormatter(redact, zone))
    for handler in handlers:
        logger.addHandler(handler)
    if failure is not None:
        _warn(logger, log_file, failure)
    return Logs(logger, redact, tuple(handlers))


def _file_writer(file: TextIO) -> Write:
    """Writes lines to a file, each of them at once, so that they survive a kill."""

    def write(line: str) -> None:
        file.write(line + "\n")
        file.flush()

    return write


def _open(path: Optional[Path]) -> tuple[Optional[TextIO], Optional[OSError]]:
    if path is None:
        return None, None
    try:
        # Not blocking, because a FIFO that nobody reads would stop the run here for ever.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        return None, error
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace", newline="\n"), None


def _warn(logger: logging.Logger, path: Optional[Path], error: OSError) -> None:
    logger.warning(
        "The log file %s cannot be written (%s): log lines go to standard output only. "
        "Set IMMICH_LOG_FILE to a file that can be written, or to - for none",
        path,
        error.strerror or error,
    )
