"""The project's own bars, and whether they were met.

Not here: what is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Optional

from benchmarks import product
from benchmarks.growth import linearity
from benchmarks.rivals import COPY
from benchmarks.rows import Row
from benchmarks.scenarios import FIRST, LOST, SETTLED
from benchmarks.tables import Table

# (at least this part of a copy's rate; files of real size per second: 30 times the predecessor's 2.2)
_OF_A_COPY = 0.60
_PHOTOS_PER_SECOND = 66.0
_LARGE, _SMALLEST = 100_000, 10_000  # below them the start of the processes is most of the time
_SECONDS, _MEGABYTES = 25.0, 250.0
_SMALL_PER_SECOND = 1_000.0
_LINEAR = 11.0


def table(side_by_side: Sequence[Row], grown: Sequence[Row]) -> Table:
    """Only bars for which something was measured."""
    return ("what", "bar", "found", ""), [*_photos(side_by_side), *_large(grown)]


def _photos(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    ours, copy = _row(rows, FIRST, product.NAME), _row(rows, FIRST, COPY)
    if ours is not None and copy is not None:
        yield _least("first sync beside copy + fsync + rename", _OF_A_COPY, ours.rate / copy.rate, "")
        settled = _row(rows, SETTLED, product.NAME)
        if settled is not None and ours.usage.seconds > settled.usage.seconds:
            # A large library is what the bar is about: start, login and listing are in both of these runs.
            rate = ours.files / (ours.usage.seconds - settled.usage.seconds)
            yield _least("the same, without the time of the unchanged run", _OF_A_COPY, rate / copy.rate, "")
    if ours is not None:
        yield _least("first sync of files of real size", _PHOTOS_PER_SECOND, ours.rate, " files/s")


def _large(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    size = max((row.files for row in rows), default=0)
    at_size = [row for row in rows if row.files == size]
    settled, lost = _row(at_size, SETTLED, product.NAME), _row(at_size, LOST, product.NAME)
    if settled is not None and size >= _LARGE:
        yield _most(f"{size:,} {SETTLED}", _SECONDS * size / _LARGE, settled.usage.seconds, " s")
        together = (settled.usage.peak_together or settled.usage.peak or 0) / 1e6
        yield _most("its memory, all processes", _MEGABYTES, together, " MB")
    if lost is not None and size >= _SMALLEST:
        yield _least(f"{size:,} {LOST}", _SMALL_PER_SECOND, lost.rate, " files/s")
    for each in linearity(rows):
        bar = round(_LINEAR / 10 * each.large / each.small, 2)
        yield _most(f"{each.task}, {each.large:,} / {each.small:,}", bar, each.ratio, " times")


def _row(rows: Sequence[Row], task: str, who: str) -> Optional[Row]:
    return next((row for row in rows if (row.task, row.who) == (task, who)), None)


def _least(what: str, bar: float, found: float, unit: str) -> tuple[str, ...]:
    return what, f"at least {bar:g}{unit}", f"{found:.2f}{unit}", "" if found >= bar else "MISSED"


def _most(what: str, bar: float, found: float, unit: str) -> tuple[str, ...]:
    return what, f"at most {bar:g}{unit}", f"{found:.2f}{unit}", "" if found <= bar else "MISSED"
