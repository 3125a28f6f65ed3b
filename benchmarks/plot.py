"""The growth as a picture: seconds and memory beside the number of assets.

matplotlib is in the optional group `bench`. Colours are Okabe and Ito's, and each line has a mark of its own.
Not here: what is measured (growth.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.rows import Row
from benchmarks.scenarios import FIRST, LOST, SETTLED, VERIFY

STYLES = {
    FIRST: ("#0072B2", "o", "-"),
    LOST: ("#D55E00", "s", "--"),
    VERIFY: ("#CC79A7", "D", "-."),
    SETTLED: ("#009E73", "^", "-"),
}
_INCHES = (11, 5.2)
_GREY = "#767676"


def draw(rows: Sequence[Row], machine: str, target: Path) -> None:
    """Write a PNG. `rows`: one for each task and size. Raises ImportError without matplotlib."""
    import matplotlib  # type: ignore[import-not-found, unused-ignore]

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    figure, (time_axes, memory_axes) = pyplot.subplots(1, 2, figsize=_INCHES, layout="constrained")
    _lines(time_axes, rows, [row.usage.seconds for row in rows])
    _linear(time_axes, rows)
    time_axes.set(yscale="log", ylabel="seconds", title="Time of one run")
    time_axes.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,g}"))
    together = [(row.usage.peak_together or row.usage.peak or 0) / 1e6 for row in rows]
    _lines(memory_axes, rows, together)
    memory_axes.set(ylabel="MB", title="Memory at its peak, worker processes included", ylim=(0, max(together) * 1.15))
    time_axes.legend(frameon=False, fontsize=9)
    figure.suptitle("immich-meta sync --all --albums: how a run grows with the library", fontsize=14, fontweight="bold")
    figure.supxlabel(f"assets: JPEG files of 700 bytes, so that the cost per asset shows. {machine}", fontsize=9)
    figure.savefig(target, dpi=110)
    pyplot.close(figure)


def _lines(axes: Any, rows: Sequence[Row], values: Sequence[float]) -> None:
    for task, (colour, mark, line) in STYLES.items():
        points = sorted((row.files, value) for row, value in zip(rows, values) if row.task == task)
        if points:
            across, heights = zip(*points)
            axes.plot(across, heights, color=colour, marker=mark, linestyle=line, linewidth=2, markersize=7, label=task)
    sizes = sorted({row.files for row in rows})
    axes.set_xscale("log")
    axes.set_xticks(sizes, labels=[f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.grid(visible=True, color="#e0e0e0", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _linear(axes: Any, rows: Sequence[Row]) -> None:
    """Where the first sync would be if it were only as many times the smallest as there are more assets."""
    first = sorted((row.files, row.usage.seconds) for row in rows if row.task == FIRST)
    if len(first) > 1:
        sizes = [size for size, _ in first]
        line = [first[0][1] * size / sizes[0] for size in sizes]
        axes.plot(sizes, line, color=_GREY, linestyle=":", linewidth=1.5, label="linear, from the smallest first sync")
