"""How fast it is, beside others, all in one run: `python benchmarks/run.py --help`.

Not a test: nothing fails here. The bars that it prints are the project's own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Optional

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "writers")]

from benchmarks import bars, machine, tables  # noqa: E402
from benchmarks.growth import Growth, linearity  # noqa: E402
from benchmarks.library import Shape  # noqa: E402
from benchmarks.rows import Row, middle  # noqa: E402
from benchmarks.scenarios import ALBUM_RENAMED, LOST, TASKS, VERIFY, Scenarios  # noqa: E402

FEWEST = 5  # one of each kind, and one in the album that is renamed
SIZES = (1_000, 10_000, 100_000)
NOTES = {
    VERIFY: "Every file is read and compared with what is wanted. The others read, and compare nothing.",
    LOST: "No state and no album cache: every file is read, and remembered anew.",
    ALBUM_RENAMED: "The others are told which files it is about; this program finds out, among all files.",
}


class Result:
    """Everything that was found; sections are (title, what is said under it, tables)."""

    def __init__(self, environment: dict[str, Any]) -> None:
        self.environment = environment
        self.side_by_side: list[Row] = []
        self.left_out: dict[str, str] = {}
        self.mean_size = 0.0
        self.rounds = 0
        self.cold = False
        self.growth: Optional[Growth] = None
        self.growth_rows: list[Row] = []

    def sections(self) -> Iterator[tuple[str, str, Sequence[tables.Table]]]:
        rows = middle(self.side_by_side)
        for task in TASKS:
            found = sorted((row for row in rows if row.task == task), key=lambda row: -row.rate)
            if found:
                yield task.capitalize(), self._note(task), [tables.rows_table(found, "who")]
        if self.growth is not None:
            yield from self._growth_sections(self.growth)
        yield "The bars", "", [bars.table(rows, self.grown)]

    def _note(self, task: str) -> str:
        if task != TASKS[0]:
            return NOTES.get(task, "")
        cold = " The files were dropped from the page cache before each run." if self.cold else ""
        missing = "".join(f" Not measured: {name} ({why})." for name, why in self.left_out.items())
        return (
            f"Files of {self.mean_size / 1e6:.1f} MB on average, a tenth of them HEIC and a tenth MP4 (pyexiv2: the "
            f"JPEG files only); the run with the median time of {self.rounds}.{cold}{missing}"
        )

    def _growth_sections(self, growth: Growth) -> Iterator[tuple[str, str, Sequence[tables.Table]]]:
        rows, size = self.grown, max(row.files for row in self.grown)
        yield "Growth", "JPEG files of 700 bytes.", [
            tables.rows_table(rows, "task"),
            tables.linearity_table(linearity(rows)),
        ]
        yield "Files opened", f"{size:,} assets; each process counts what it opens.", [
            tables.opened_table(growth.opened)
        ]
        if growth.profile is not None:
            seconds = growth.profile.seconds
            note = f"{size:,} unchanged assets with state: {seconds:.1f} s under cProfile, which slows Python down."
            yield "Where the time goes", note, tables.profile_tables(growth.profile)

    @property
    def grown(self) -> list[Row]:
        """The median run of each task and size, by task and size."""
        sizes = sorted({row.files for row in self.growth_rows})
        rows = [row for size in sizes for row in middle(each for each in self.growth_rows if each.files == size)]
        return sorted(rows, key=lambda row: (TASKS.index(row.task), row.files))

    def as_dict(self) -> dict[str, Any]:
        profile = self.growth.profile if self.growth else None
        return {
            "environment": self.environment,
            "left_out": self.left_out,
            "cold": self.cold,
            "mean_bytes_per_file": self.mean_size,
            "side_by_side": [row.as_dict() for row in self.side_by_side],
            "growth": [row.as_dict() for row in self.growth_rows],
            "linearity": [asdict(each) for each in linearity(self.grown)],
            "opened": [asdict(each) for each in self.growth.opened] if self.growth else [],
            "profile": _profile_dict(profile) if profile else None,
        }


def _profile_dict(profile: Any) -> dict[str, Any]:
    return {
        "seconds": profile.seconds,
        "packages": [each._asdict() for each in profile.packages],
        "functions": [each._asdict() for each in profile.functions],
    }


def measure(arguments: argparse.Namespace, folder: Path) -> Result:
    result = Result(machine.described(folder))
    if result.environment["load_before"] > machine.BUSY:
        _tell(f"This machine is busy (load {result.environment['load_before']}): the figures will not be clean.")
    if arguments.photos:
        _measure_side_by_side(result, arguments, folder)
    if arguments.growth:
        result.growth = Growth(folder, arguments.growth, arguments.rounds)
        for row in result.growth.rows():
            _tell(f"  {row.files:,} assets, {row.task}: {row.usage.seconds:.1f} s")
            result.growth_rows.append(row)
    return result


def _measure_side_by_side(result: Result, arguments: argparse.Namespace, folder: Path) -> None:
    _tell(f"Making {arguments.photos} files of real size")
    # Few enough albums that the one that is renamed is never empty.
    shape = Shape(arguments.photos, mixed=True, albums=min(20, arguments.photos))
    scenarios = Scenarios(shape, folder, cold=arguments.cold)
    result.left_out, result.mean_size = scenarios.left_out, scenarios.mean_size
    result.rounds, result.cold = arguments.rounds, arguments.cold
    for number in range(arguments.rounds):
        _tell(f"Round {number + 1} of {arguments.rounds}")
        for row in scenarios.round():
            _tell(f"  {row.task}, {row.who}: {row.usage.seconds:.2f} s")
            result.side_by_side.append(row)
    for name in ("originals", "work"):
        shutil.rmtree(folder / name)


def show(result: Result, arguments: argparse.Namespace) -> None:
    machine_line = machine.line(result.environment)
    print(machine_line)
    blocks = [f"{machine_line}."]
    for title, note, found in result.sections():
        print(f"\n{title}" + (f"\n{note}" if note else ""))
        for table in found:
            print(f"\n{tables.as_text(table)}")
        blocks += [f"### {title}", *([note] if note else []), *map(tables.as_markdown, found)]
    if arguments.json:
        arguments.json.write_text(json.dumps(result.as_dict(), indent=1) + "\n", encoding="utf-8")
    if arguments.markdown:
        tables.put_into(arguments.markdown, "\n" + "\n\n".join(blocks) + "\n")
    if arguments.plot and result.growth_rows:
        _draw(result, arguments.plot)


def _draw(result: Result, target: Path) -> None:
    from benchmarks import plot

    try:
        plot.draw(result.grown, machine.short_line(result.environment), target)
    except ImportError:
        _tell("No plot: matplotlib is not installed (the optional group `bench` has it)")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part.replace("_", "")) for part in text.split(",") if part)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=200, help="files of real size, side by side; 0: none (200)")
    parser.add_argument("--rounds", type=int, default=3, help="how often; the run with the median time counts (3)")
    parser.add_argument("--growth", type=_sizes, default=SIZES, help="numbers of small files; '': none (%(default)s)")
    parser.add_argument("--folder", type=Path, default=HERE, help="where the files go: a real disk, not tmpfs")
    parser.add_argument("--json", type=Path, help="everything that was measured, each run")
    parser.add_argument("--markdown", type=Path, help="replace the part between the markers in this file")
    parser.add_argument("--plot", type=Path, help="the growth as a PNG (needs matplotlib)")
    if hasattr(os, "posix_fadvise"):
        parser.add_argument("--cold", action="store_true", help="drop files from the page cache before each run")
    parser.set_defaults(cold=False)
    arguments = parser.parse_args()
    if 0 < arguments.photos < FEWEST:
        parser.error(f"--photos: {FEWEST} at least, or 0")
    folder = Path(tempfile.mkdtemp(prefix=".photos-", dir=arguments.folder)).resolve()
    try:
        show(measure(arguments, folder), arguments)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
