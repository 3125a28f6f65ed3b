"""The runs and their files, for the page that is asked for just now.

Not here: what is done about them.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Optional

from flask import abort

from immich_meta.errors import HistoryError
from immich_meta.state import Archive, Entry, KeptRun, open_archive
from immich_meta.web.history.past import PastRun, joined
from immich_meta.web.pages.summary import RunSummary, summary_of
from immich_meta.web.parts import parts
from immich_meta.web.report import FileEntry, Files, KeptFiles, ReportFile, open_files

_LOG = logging.getLogger(__name__)
_KEPT_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,60}")


@contextmanager
def archive() -> Iterator[Archive]:
    """The history of the state directory."""
    with open_archive(parts().config.state_dir, warn=_LOG.warning) as opened:
        yield opened


def past_runs(history: Archive) -> tuple[PastRun, ...]:
    """All runs, newest first."""
    return joined(_asked(), history.runs())


def past_run(history: Archive, run_id: str) -> PastRun:
    """The run of that id, of the page or as the state has it. Anything else is a page that is not there."""
    asked = next((each for each in _asked() if run_id == each.id or run_id in each.histories), None)
    names = asked.histories if asked else (run_id,)
    kept: list[KeptRun] = []
    for name in names:
        with suppress(HistoryError):
            kept.append(history.run(name))
    return PastRun(asked, tuple(kept)) if asked or kept else abort(404)


def page_names() -> dict[str, str]:
    """What the state calls runs of the page, and what the page calls them."""
    return {name: each.id for each in _asked() for name in each.histories}


@contextmanager
def files_of(history: Archive, run: PastRun) -> Iterator[Files]:
    """What is told of its files."""
    folder = parts().folders.get(run.id) if run.is_of_the_page else None
    if folder is not None:
        with open_files(folder.path / "files.index", ReportFile(folder.report)) as files:
            yield files
    elif run.kept and _KEPT_ID.fullmatch(run.id):
        with open_files(_index_of(history, run.id), KeptFiles(history, run.kept[0])) as files:
            yield files
    else:
        abort(404)


def writes_of(history: Archive, run: PastRun, entry: FileEntry) -> tuple[Entry, ...]:
    """What is kept of a run's writes to a file and its sidecar, newest first."""
    return tuple(write for write in writes_to(history, entry) if write.run_id in run.ids) if run.kept else ()


def writes_to(history: Archive, entry: FileEntry) -> tuple[Entry, ...]:
    """Every kept write to a file and its sidecar, newest first."""
    places = {_real(place) for place in (entry.path, entry.sidecar) if place}
    found = [write for place in places if place is not None for write in history.of_path(place)]
    return tuple(sorted(found, key=lambda write: (write.at, write.number), reverse=True))


def _asked() -> list[RunSummary]:
    return [summary_of(folder) for folder in parts().folders.all()]


def _real(path: str) -> Optional[str]:
    """As the history spells it; None for what is no path at all."""
    try:
        os.fsencode(path)
        return None if "\0" in path else os.path.realpath(path)
    except (ValueError, OSError):
        return None


def _index_of(history: Archive, run_id: str) -> Path:
    folder = parts().config.state_dir / "web" / "kept"
    path = folder / f"{run_id}.index"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _forget_others(folder, {run.id for run in history.runs()})
    return path


def _forget_others(folder: Path, kept: set[str]) -> None:
    for path in folder.glob("*.index"):
        if path.stem not in kept:
            with suppress(OSError):
                path.unlink()
