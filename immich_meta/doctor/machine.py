"""What the checks have to know of this machine, read once.

Not here: its disks and folders (disks.py, folders.py).
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

from immich_meta.doctor.mounts import Mount, parse_mounts

_MOUNTS = Path("/proc/self/mounts")
# Docker makes the first, Podman the second.
_SIGNS_OF_A_CONTAINER = (Path("/.dockerenv"), Path("/run/.containerenv"))


@dataclass(frozen=True)
class Machine:
    """`zone`: the name of the machine's own time zone, None when it is not known. `mounts` is empty where the system
    does not tell (all but Linux). `now`: seconds since 1970."""

    zone: Optional[str] = None
    mounts: tuple[Mount, ...] = ()
    in_container: bool = False
    now: Callable[[], float] = time.time


def this_machine() -> Machine:
    in_container = any(map(os.path.exists, _SIGNS_OF_A_CONTAINER)) or "KUBERNETES_SERVICE_HOST" in os.environ
    return Machine(_zone(), parse_mounts(_read(_MOUNTS)), in_container)


def _zone() -> Optional[str]:
    name = os.path.realpath("/etc/localtime").rpartition("/zoneinfo/")[2]
    return name.removeprefix("Etc/") if name and not name.startswith("/") else None


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text("utf-8", "surrogateescape")
    return ""
