"""Planners that misbehave by the name of the photo; worker processes import them by name.

Not here: what is demanded of a crew that has them (test_crew.py).
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from immich_meta_writers import PhotoMetadata, Plan, PlanOptions, plan


def capricious(path: str, wanted: PhotoMetadata, options: PlanOptions) -> Plan:
    """`hangs...`, `dies...`, `exits...`, `breaks...` do; all others take a random time."""
    name = os.path.basename(path)
    if name.startswith("hangs"):
        time.sleep(600)
    if name.startswith("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith("exits"):
        os._exit(3)
    if name.startswith("breaks"):
        raise ZeroDivisionError("a fault of the program")
    time.sleep(random.Random(name).uniform(0, 0.02))
    return plan(path, wanted, options)


def dies_in_the_write(path: str, wanted: PhotoMetadata, options: PlanOptions) -> Plan:
    """`dies...` is killed right before its rename."""
    if os.path.basename(path).startswith("dies"):
        os.replace = _dying  # type: ignore[assignment]
    return plan(path, wanted, options)


def _dying(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def clocked(path: str, wanted: PhotoMetadata, options: PlanOptions) -> Plan:
    """Takes its time, and writes down when it began and ended (the clock is the same for all processes)."""
    log = Path(os.path.realpath(path)).parent / f"times-{os.path.basename(path)}.txt"
    began = time.monotonic()
    time.sleep(0.05)
    planned = plan(path, wanted, options)
    log.write_text(f"{began} {time.monotonic()}")
    return planned
