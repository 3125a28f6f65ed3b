"""Where the time of a run goes: a run under cProfile, and what is read from its figures.

`python -m benchmarks.profiled FILE sync ...` is the run. Pages of assets, otherwise fetched by a thread of their own,
are fetched in the main thread here: cProfile would miss them, or mix them up with the rest (Python 3.12 and later).
Not here: worker processes; an unchanged run with state has none.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
from collections import defaultdict
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Callable, NamedTuple

TOP = 15
_BUILT_IN = "built in"
_BOTH = ("immich_meta", "immich_meta_writers")
_WAITING = ("recv_into", "'poll' of 'select", "connect' of '_socket", "built-in method select")


class Share(NamedTuple):
    """A function or a package: its own seconds, how often it was called, and its part of the whole (0 to 1)."""

    name: str
    seconds: float
    calls: int
    part: float


class Profile(NamedTuple):
    seconds: float
    functions: tuple[Share, ...]
    packages: tuple[Share, ...]


class _AtOnce:
    """An executor that does each task while it is handed in."""

    def __init__(self, *_: object, **__: object) -> None:
        """As many workers as none."""

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*arguments))
        return done

    def shutdown(self, **_: object) -> None:
        """Nothing is left to end."""


def read(path: Path) -> Profile:
    """The functions that took most by themselves, and the packages with what is built in and called from there."""
    stats: Any = pstats.Stats(str(path))
    total = max(stats.total_tt, 1e-9)
    packages: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])
    functions = []
    for (file, line, name), (_, calls, own, _, callers) in stats.stats.items():
        package = _package(file, name)
        shown = name if file == "~" else f"{package}: {Path(file).name}:{line} {name}"
        functions.append(Share(shown, own, calls, own / total))
        if package != _BUILT_IN:
            packages[package][0] += own
            packages[package][1] += calls
            continue
        for (caller_file, _, caller), (_, _, own_there, _) in callers.items():
            packages[_package(caller_file, caller)][0] += own_there
    groups = [Share(name, own, int(calls), own / total) for name, (own, calls) in packages.items()]
    return Profile(total, _largest(functions), _largest(groups))


def _largest(shares: list[Share]) -> tuple[Share, ...]:
    return tuple(sorted(shares, key=lambda share: -share.seconds)[:TOP])


def _package(file: str, name: str) -> str:
    """`immich_meta.api`, `requests`, `standard library: json`; what waits for the server is a group of its own."""
    if file == "~":
        if any(word in name for word in _WAITING):
            return "waiting for the server"
        return "SQLite" if "sqlite3" in name else _BUILT_IN
    parts = Path(file).with_suffix("").parts
    for ours in _BOTH:
        if ours in parts:
            return ".".join(parts[parts.index(ours) :][:2])
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1]
    if file.startswith("<frozen "):
        module = file[len("<frozen ") :].rstrip(">")
        return "import system" if module.startswith(("importlib", "zipimport")) else f"standard library: {module}"
    if file.startswith("<"):
        return "generated code"
    after = [index for index, part in enumerate(parts) if part.startswith("python3")]
    return f"standard library: {parts[after[-1] + 1]}" if after and after[-1] + 1 < len(parts) else parts[-1]


def main() -> None:
    from immich_meta.api import paging
    from immich_meta.cli import commands, run

    target, *arguments = sys.argv[1:]
    vars(paging)["ThreadPoolExecutor"] = _AtOnce
    profile = cProfile.Profile()
    code = profile.runcall(run, commands, "immich-meta", arguments)
    profile.dump_stats(target)
    sys.exit(code)


if __name__ == "__main__":
    main()
