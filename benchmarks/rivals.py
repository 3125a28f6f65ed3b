"""Who is measured beside this program, and the child process in which each of them works.

`python -m benchmarks.rivals NAME read|write FOLDER SHAPE TASK` prints what the work took and the number of files.
Not here: how they do it (contenders.py).
"""

from __future__ import annotations

import functools
import json
import os
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional

from benchmarks import contenders, meter
from benchmarks.library import Shape, name_of, shape_of, wanted
from immich_meta.sync.crew import default_jobs
from immich_meta_writers import PhotoMetadata

ALL = "all"
ALBUM = "album"


@dataclass(frozen=True)
class Rival:
    """`endings`: the files that it can write; `missing`: what is said when it cannot take part.

    `reading` is what it is called where it only reads; empty: it does not take part there.
    """

    make: Callable[[contenders.Wanted], contenders.Contender]
    endings: frozenset[str] = contenders.EVERYTHING
    needs: Callable[[], bool] = lambda: True
    missing: str = ""
    reading: Optional[str] = None


COPY = "copy + fsync + rename"
COPIES = f"{COPY}, {default_jobs()} processes"
_NO_EXIFTOOL = "exiftool is not installed"
RIVALS: Mapping[str, Rival] = {
    COPY: Rival(contenders.Copy, reading="reading every byte"),
    COPIES: Rival(
        functools.partial(contenders.Copy, jobs=default_jobs()),
        needs=lambda: sys.platform != "win32" and default_jobs() > 1,
        missing="there is one core",
        reading="",
    ),
    "pyexiv2": Rival(
        contenders.Pyexiv2, contenders.JPEG_ONLY, contenders.pyexiv2_is_installed, "pip install pyexiv2 was not done"
    ),
    "ExifTool, stay_open": Rival(contenders.OneExifTool, needs=contenders.exiftool_is_installed, missing=_NO_EXIFTOOL),
    "ExifTool, process per file": Rival(
        contenders.ExifToolPerFile, needs=contenders.exiftool_is_installed, missing=_NO_EXIFTOOL
    ),
}


def taking_part() -> tuple[dict[str, Rival], dict[str, str]]:
    """Those that can be measured here, and why others cannot."""
    here = {name: rival for name, rival in RIVALS.items() if rival.needs()}
    return here, {name: rival.missing for name, rival in RIVALS.items() if name not in here}


def files_of(rival: Rival, shape: Shape, task: str, folder: Path) -> list[Path]:
    numbers = shape.album_numbers if task == ALBUM else range(shape.count)
    paths = [folder / name_of(number, shape) for number in numbers]
    return [path for path in paths if path.suffix in rival.endings]


def main() -> None:
    name, verb, folder, shape_text, task = sys.argv[1:]
    shape = shape_of(shape_text)

    def values(path: Path) -> PhotoMetadata:
        if task == ALBUM:
            return PhotoMetadata(albums=("Renamed",))
        return wanted(int(path.stem.rpartition("_")[2]), shape.albums)

    photos = files_of(RIVALS[name], shape, task, Path(folder))
    contender = RIVALS[name].make(values)
    work = contender.read if verb == "read" else contender.write
    print(json.dumps({"files": len(photos), **_usage(lambda: work(photos))}))


def _usage(work: Callable[[], None]) -> dict[str, Any]:
    """What the work takes, without the start of this process: fields of meter.Usage."""
    cpu, bytes_before, start = _cpu(), meter.traffic(os.getpid()), time.perf_counter()
    work()
    seconds, bytes_after = time.perf_counter() - start, meter.traffic(os.getpid())
    names = ("asked_read", "asked_written", "disk_read", "disk_written")
    moved = {
        name: None if before is None or after is None else after - before
        for name, before, after in zip(names, bytes_before, bytes_after)
    }
    return {"seconds": seconds, "cpu": _cpu() - cpu, **moved}


def _cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


if __name__ == "__main__":
    main()
