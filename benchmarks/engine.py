"""The engine alone, in one process, without server and sync: `python benchmarks/engine.py`.

Not a test: nothing fails here. The bars that it prints are the project's own.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Optional

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "writers")]

from benchmarks.contenders import OneExifTool, Pyexiv2, copy_fsync_rename  # noqa: E402
from benchmarks.library import Shape  # noqa: E402
from benchmarks.photos import make_files, refresh  # noqa: E402
from fixtures.exiftool import is_installed  # noqa: E402
from fixtures.values import EVERYTHING  # noqa: E402
from immich_meta_writers import PhotoMetadata, PlanOptions, WriterError, apply_all, plan  # noqa: E402

SIMPLE = PhotoMetadata(people=("Ada Lovelace", "Grace Hopper"), rating=4, caption="On the pier")
WISHES = {"two people, rating, caption": SIMPLE, "every field": EVERYTHING}
Task = Callable[[Sequence[Path]], None]


def simple(_: Path) -> PhotoMetadata:
    """The same for every photo."""
    return SIMPLE


# (what, beside what, at least): the bars of the project.
BARS = (
    ("unchanged, builtin", "pyexiv2 read", 1.5),
    ("unchanged, exempi", "pyexiv2 read", 1.0),
    ("changed, builtin", "copy + fsync + rename", 0.75),
    ("changed, exempi", "copy + fsync + rename", 0.75),
    ("changed, builtin", "ExifTool write", 1.5),
    ("changed, exempi", "ExifTool write", 1.5),
)


def engines() -> tuple[str, ...]:
    """builtin, and exempi where the system has it."""
    from immich_meta_writers.payloads import xmp

    try:
        xmp.encoder("exempi")
    except WriterError:
        return ("builtin",)
    return ("builtin", "exempi")


def change(engine: str, wanted: PhotoMetadata) -> Task:
    """Plan and apply, as a run does it: while one photo goes to the disk, the next is planned."""
    options = PlanOptions(xmp_engine=engine)

    def run(photos: Sequence[Path]) -> None:
        for _, error in apply_all(plan(path, wanted, options) for path in photos):
            if error:
                raise error

    return run


def change_one_by_one(engine: str, wanted: PhotoMetadata) -> Task:
    """Plan and apply, each photo on the disk before the next is looked at."""
    options = PlanOptions(xmp_engine=engine)

    def run(photos: Sequence[Path]) -> None:
        for path in photos:
            plan(path, wanted, options).apply()

    return run


def compare(engine: str, wanted: PhotoMetadata) -> Task:
    """Plan over photos that say it all already: the whole way of an unchanged photo."""
    options = PlanOptions(xmp_engine=engine)

    def run(photos: Sequence[Path]) -> None:
        for path in photos:
            if not plan(path, wanted, options).is_empty:
                raise RuntimeError(f"{path} was not up to date")

    return run


def per_second(task: Task, photos: Sequence[Path]) -> float:
    start = time.perf_counter()
    task(photos)
    return len(photos) / (time.perf_counter() - start)


def measure(tasks: dict[str, Task], photos_for: Callable[[], Sequence[Path]], rounds: int) -> dict[str, float]:
    """Medians of files per second. Every round runs every task, so that a slow minute is everybody's."""
    found: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            found[name].append(per_second(task, photos_for()))
    return {name: statistics.median(values) for name, values in found.items()}


def writers(wanted: PhotoMetadata) -> Iterator[tuple[str, Task]]:
    """Everything that writes, named; other tools only the simple wish."""
    yield "copy + fsync + rename", copy_fsync_rename
    for engine in engines():
        yield f"changed, {engine}", change(engine, wanted)
        yield f"one by one, {engine}", change_one_by_one(engine, wanted)
    if wanted is not SIMPLE:
        return
    if importlib.util.find_spec("pyexiv2"):
        yield "pyexiv2 write", Pyexiv2(simple).write
    if is_installed():
        yield "ExifTool write", OneExifTool(simple).write


def readers(wanted: PhotoMetadata) -> Iterator[tuple[str, Task]]:
    """Everything that reads photos which already have the values."""
    for engine in engines():
        yield f"unchanged, {engine}", compare(engine, wanted)
    if importlib.util.find_spec("pyexiv2"):
        yield "pyexiv2 read", Pyexiv2(simple).read
    if is_installed():
        yield "ExifTool read", OneExifTool(simple).read


def bytes_read(task: Task, photos: Sequence[Path]) -> Optional[int]:
    """Bytes that one photo costs, by the kernel's count (Linux)."""
    counters = Path("/proc/self/io")
    if not counters.exists():
        return None

    def count() -> int:
        return int(counters.read_text().splitlines()[0].split()[1])

    before = count()
    task(photos)
    return (count() - before) // len(photos)


def peak_memory(photos: Sequence[Path]) -> int:
    """Megabytes of a process that changes all photos, measured in one of its own."""
    program = (
        "import resource, sys; from fixtures.values import EVERYTHING; from immich_meta_writers import plan\n"
        "for path in sys.argv[1:]: plan(path, EVERYTHING).apply(); plan(path, EVERYTHING)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    command = [sys.executable, "-c", program, *map(str, photos)]
    return int(subprocess.run(command, env=_environment(), check=True, capture_output=True).stdout)


def start_time() -> Optional[float]:
    """Seconds until `immich-meta --help` has said it all; the median of seven."""
    command = [sys.executable, "-m", "immich_meta", "--help"]
    times = []
    for _ in range(8):
        start = time.perf_counter()
        if subprocess.run(command, env=_environment(), check=False, capture_output=True).returncode:
            return None
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2])}


def report(title: str, found: dict[str, float]) -> None:
    print(f"\n{title} (files per second, medians)")
    for name, value in found.items():
        print(f"  {name:24} {value:8.0f}")


def report_bars(found: dict[str, float]) -> None:
    print("\nThe bars (two people, rating, caption)")
    for what, beside, least in BARS:
        if what in found and beside in found:
            ratio = found[what] / found[beside]
            print(f"  {what:20} / {beside:22} {ratio:5.2f}   at least {least}{'' if ratio >= least else '   MISSED'}")


def run(count: int, rounds: int, folder: Path) -> None:
    source = folder / "originals"
    originals = make_files(Shape(count), source)
    size = originals[0].stat().st_size
    print(f"{count} photos of 12 megapixels, {size / 1e6:.1f} MB each, {rounds} rounds, one process")
    found: dict[str, dict[str, float]] = {}
    for title, wanted in WISHES.items():
        values = measure(dict(writers(wanted)), lambda: refresh(originals, source, folder / "work"), rounds)
        photos = refresh(originals, source, folder / "done")
        change("builtin", wanted)(photos)
        values.update(measure(dict(readers(wanted)), functools.partial(tuple, photos), rounds * 3))
        found[title] = values
        report(title, values)
        print(f"  bytes read per unchanged photo: {bytes_read(compare('builtin', wanted), photos)}")
    report_bars(found[next(iter(WISHES))])
    print(f"\nPeak memory: {peak_memory(refresh(originals, source, folder / 'work'))} MB")
    seconds = start_time()
    print(f"immich-meta --help: {'not there' if seconds is None else f'{seconds:.2f} s'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=60, help="how many photos (60)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of writing; reading runs three times as many (5)")
    parser.add_argument("--folder", type=Path, default=HERE, help="where the photos go: a real disk, not tmpfs")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix=".photos-", dir=arguments.folder))
    try:
        run(arguments.photos, arguments.rounds, folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
