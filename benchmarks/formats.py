"""A HEIC beside a JPEG of its size, and the date of a 4 GB movie: `python benchmarks/formats.py` (needs pillow-heif).

Not a test: nothing fails here.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Callable

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "writers")]

from fixtures.catalogue import BY_NAME  # noqa: E402
from fixtures.values import EVERYTHING, MOMENT  # noqa: E402
from immich_meta_writers import PhotoMetadata, apply_all, plan  # noqa: E402

COPIES = 20
MOVIE_BYTES = 4 << 30
HOUR = timedelta(hours=1)


def picture(kind: str) -> bytes:
    """A noisy picture of a few MB, so that both encoders have something to keep."""
    import pillow_heif
    from PIL import Image

    pillow_heif.register_heif_opener()
    noise = Image.frombytes("RGB", (1200, 900), random.Random(1).randbytes(1200 * 900 * 3))
    target = io.BytesIO()
    noise.save(target, kind, quality=90 if kind == "HEIF" else 95)
    return target.getvalue()


def rate(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return COPIES / (time.perf_counter() - start)


def change(photos: list[Path]) -> None:
    for planned, error in apply_all(plan(path, EVERYTHING) for path in photos):
        if error or planned.is_empty:
            raise error or RuntimeError(f"{planned.path} did not change")


def compare(photos: list[Path]) -> None:
    for path in photos:
        if not plan(path, EVERYTHING).is_empty:
            raise RuntimeError(f"{path} was not up to date")


def heic_beside_jpeg(folder: Path, rounds: int) -> None:
    """Files per second, for pictures of equal size: the smaller one is filled up behind its end."""
    heic, jpeg = picture("HEIF"), picture("JPEG")
    size = max(len(heic), len(jpeg))
    jpeg += bytes(size - len(jpeg))
    if size > len(heic) + 8:
        heic += (size - len(heic)).to_bytes(4, "big") + b"free" + bytes(size - len(heic) - 8)
    print(f"{COPIES} files of {size / 1e6:.1f} MB each; files per second")
    for name, content in ((".jpg", jpeg), (".heic", heic)):
        changed, unchanged = [], []
        for _ in range(rounds):
            photos = [folder / f"{number}{name}" for number in range(COPIES)]
            for path in photos:
                path.write_bytes(content)
            changed.append(rate(lambda photos=photos: change(photos)))  # type: ignore[misc]
            unchanged.append(rate(lambda photos=photos: compare(photos)))  # type: ignore[misc]
        print(f"  {name:6} changed {statistics.median(changed):6.0f}   unchanged {statistics.median(unchanged):6.0f}")


def traffic() -> tuple[int, int]:
    """Bytes that this process has asked the system to read and to write (Linux)."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"]), int(fields["wchar"])


def huge_movie(folder: Path) -> None:
    """Seconds and bytes for new dates in a sparse movie of 4 GB whose mdat stands in front of moov."""
    small = BY_NAME["plain.mov"].build()
    place = small.index(b"mdat") - 4
    old = int.from_bytes(small[place : place + 4], "big")
    path = folder / "huge.mov"
    with path.open("wb") as file:
        header = b"\0\0\0\1mdat" + (MOVIE_BYTES + 16).to_bytes(8, "big")
        file.write(small[:place] + header + small[place + 8 : place + old])
        file.seek(MOVIE_BYTES + place + 16)
        file.write(small[place + old :])
    for what, wanted in (("dates", PhotoMetadata(captured=MOMENT)), ("every field", EVERYTHING), ("a new date", None)):
        later = replace(MOMENT, wall=MOMENT.wall + HOUR, instant=MOMENT.instant + HOUR)
        wanted = wanted or replace(EVERYTHING, captured=later)
        before, start = traffic(), time.perf_counter()
        planned = plan(path, wanted)
        planned.apply()
        took, after = time.perf_counter() - start, traffic()
        print(
            f"  {what:12} {len(planned.changes):3} changes  {took:6.3f} s"
            f"  read {after[0] - before[0]:>9,} bytes  written {after[1] - before[1]:>9,} bytes"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        heic_beside_jpeg(Path(folder), rounds)
        print(f"a movie of {MOVIE_BYTES / 1e9:.1f} GB (sparse)")
        if os.path.exists("/proc/self/io"):
            huge_movie(Path(folder))


if __name__ == "__main__":
    main()
