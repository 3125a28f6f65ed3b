"""What is done in a run's own process before it begins: calls that fail, a user who may less, files that move.

Not here: what is demanded of the run (test_*.py). Each function is named to `Zygote.run(prepare=...)`, and finds what
it has to know in FAULT_ variables.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import time
from typing import Any, Optional

NOBODY = 65534


def failing_calls() -> None:
    """os.FAULT_CALL raises FAULT_ERROR in one of FAULT_ONE_IN calls that are about a photo."""
    name, number = os.environ["FAULT_CALL"], getattr(errno, os.environ["FAULT_ERROR"])
    chance, one_in = random.Random(name), int(os.environ["FAULT_ONE_IN"])
    plain = getattr(os, name)

    def call(*arguments: Any, **options: Any) -> Any:
        if any(map(_is_below_photos, arguments)) and not chance.randrange(one_in):
            raise OSError(number, os.strerror(number))
        return plain(*arguments, **options)

    setattr(os, name, call)


def _is_below_photos(argument: object, readlink: Any = os.readlink) -> bool:
    if isinstance(argument, int):
        try:
            argument = readlink(f"/proc/self/fd/{argument}")
        except OSError:
            return False
    return isinstance(argument, (str, os.PathLike)) and os.fspath(argument).startswith(os.environ["IMMICH_PHOTO_DIR"])


def as_nobody() -> None:
    """For good: this process does nothing else. He may not be able to read where this package is installed."""
    from immich_meta.cli import assembly

    known = assembly.version("immich-meta")
    assembly.version = lambda name: known
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def disturbed() -> None:
    """Between plan and write, by the number in its name, a photo goes, is edited, is moved, or becomes another one."""
    from immich_meta_writers.plan.outcome import Keep, Plan

    plain = Plan.apply

    def apply(self: Plan, keep: Optional[Keep] = None) -> None:
        disturb(self.path)
        plain(self, keep)

    Plan.apply = apply  # type: ignore[method-assign]


def disturb(path: str) -> None:
    kind = os.path.basename(path).partition("_")[2][:1]
    if kind == "0":
        os.unlink(path)
    elif kind == "1":
        with open(path, "ab") as file:
            file.write(b"a trailer of somebody else")
    elif kind == "2":  # as a storage template does it, sidecar and all
        os.rename(path, f"{path}.moved")
    elif kind == "3":
        shutil.copy(path, f"{path}.other")
        os.replace(f"{path}.other", path)
    elif kind == "4":
        os.utime(path, ns=(7, 7))
    elif kind == "5":
        os.unlink(path)
        os.mkdir(path)


def another_day() -> None:
    """The clock of the whole process is FAULT_SECONDS off, and jumps on by as much with each second."""
    plain, by, began = time.time, float(os.environ["FAULT_SECONDS"]), time.monotonic()
    time.time = lambda: plain() + by * (1 + int(4 * (time.monotonic() - began)))


def impatient() -> None:
    """Another try after milliseconds."""
    from functools import partial

    from immich_meta.api import retry

    retry.RetryPolicy = partial(retry.RetryPolicy, shortest=0.001, longest=0.002)  # type: ignore[assignment,misc]
