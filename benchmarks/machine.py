"""On what it was measured: enough to judge the figures, nothing that names the machine or its owner.

Not here: the figures.
"""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.stand_in import PROJECT
from immich_meta.sync.crew import default_jobs

BUSY = 0.5


def described(folder: Path) -> dict[str, Any]:
    return {
        "date": date.today().isoformat(),
        "commit": _commit(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "workers": default_jobs(),
        "python": platform.python_version(),
        "file_system": _file_system(folder),
        "load_before": round(os.getloadavg()[0], 2),
    }


def line(found: dict[str, Any]) -> str:
    return (
        f"{found['cores']} cores ({found['processor']}), {found['workers']} worker processes, {found['file_system']}, "
        f"{found['system']}, Python {found['python']}, commit {found['commit']}, {found['date']}"
    )


def short_line(found: dict[str, Any]) -> str:
    return f"{found['cores']} cores, {found['file_system']}, Python {found['python']}, {found['date']}"


def _commit() -> str:
    command = ["git", "-C", str(PROJECT), "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [text for text in info.read_text().splitlines() if text.startswith("model name")] if info.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.processor() or "unknown"


def _file_system(folder: Path) -> str:
    """The kind of file system, ext4 for one (Linux)."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return "unknown file system"
    path, best, kind = os.path.join(os.path.realpath(folder), ""), "", "unknown file system"
    for text in mounts.read_text().splitlines():
        _, place, found = text.split()[:3]
        if path.startswith(os.path.join(place, "")) and len(place) >= len(best):
            best, kind = place, found
    return kind
