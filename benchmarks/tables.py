"""Rows as text for a terminal and as Markdown: the same cells.

Not here: what is measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Optional

from benchmarks.growth import Linearity, Opened
from benchmarks.profiled import Profile
from benchmarks.rows import Row

Cells = Sequence[str]
Table = tuple[Cells, Sequence[Cells]]
BEGIN, END = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"
_HEAD = (
    "files", "files/s", "wall s", "CPU s", "largest process MB", "all together MB",
    "asked to read MB", "asked to write MB", "from disk MB", "to disk MB", "requests",
)  # fmt: skip


def rows_table(rows: Sequence[Row], first: str) -> Table:
    """`first` names what the first column tells: who, or how many assets."""
    cells = [(row.who if first == "who" else row.task, *_cells(row)) for row in rows]
    return (first, *_HEAD), cells


def _cells(row: Row) -> Iterator[str]:
    usage = row.usage
    yield f"{row.files:,}"
    yield f"{row.rate:,.0f}" if row.rate >= 10 else f"{row.rate:.1f}"
    yield f"{usage.seconds:.2f}"
    yield f"{usage.cpu:.2f}"
    for size in (usage.peak, usage.peak_together):
        yield _megabytes(size, 0)
    for size in (usage.asked_read, usage.asked_written, usage.disk_read, usage.disk_written):
        yield _megabytes(size, 1)
    yield "-" if row.requests is None else str(row.requests)


def _megabytes(size: Optional[int], digits: int) -> str:
    return "?" if size is None else f"{size / 1e6:,.{digits}f}"


def linearity_table(found: Sequence[Linearity]) -> Table:
    rows = [
        (
            each.task,
            f"{each.large:,} / {each.small:,}",
            f"{each.ratio:.2f}",
            f"{each.cpu_ratio:.2f}",
            f"{each.large / each.small:.3g}",
        )
        for each in found
    ]
    return ("task", "assets", "times as long", "times the CPU", "linear"), rows


def opened_table(found: Sequence[Opened]) -> Table:
    rows = [(each.task, f"{each.files:,}", f"{each.times:,}") for each in found]
    return ("task", "media files opened", "times"), rows


def profile_tables(profile: Profile) -> tuple[Table, Table]:
    """By package, by function."""
    tables = []
    for what, shares in (("package", profile.packages), ("function", profile.functions)):
        rows = [(each.name, f"{each.seconds:.3f}", f"{each.part:.1%}", f"{each.calls:,}") for each in shares]
        tables.append(((what, "own seconds", "part", "calls"), rows))
    return tables[0], tables[1]


def as_text(table: Table) -> str:
    head, rows = table
    widths = [max(len(row[index]) for row in (head, *rows)) for index in range(len(head))]
    lines = ["  ".join(_aligned(cell, width, index) for index, (cell, width) in enumerate(zip(row, widths)))
             for row in (head, *rows)]  # fmt: skip
    return "\n".join(line.rstrip() for line in lines)


def _aligned(cell: str, width: int, index: int) -> str:
    return cell.rjust(width) if index else cell.ljust(width)


def as_markdown(table: Table) -> str:
    head, rows = table
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (head, rule, *rows))


def put_into(path: Path, content: str) -> None:
    """Replace what is between the markers of a Markdown file. Raises ValueError when they are not there, once."""
    text = path.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"{path} has to have one pair of {BEGIN} and {END}")
    path.write_text(pattern.sub(lambda _: f"{BEGIN}\n{content}\n{END}", text), encoding="utf-8")
