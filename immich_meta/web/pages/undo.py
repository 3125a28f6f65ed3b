"""Taking back a run, or what it wrote to one file: first what would be, then, when it is wanted, the deed.

Not here: doing it (immich_meta.web.undoing), which a process of its own does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from immich_meta.state.taking_back import Outcome
from immich_meta.web.history.looking import archive, files_of, past_run, writes_of
from immich_meta.web.pages.asked_for import page_number, wanted
from immich_meta.web.parts import parts
from immich_meta.web.report import ReportFile, open_files
from immich_meta.web.report.digest import highlights
from immich_meta.web.runs.folders import RunFolder
from immich_meta.web.undoing.control import Write

blueprint = Blueprint("undo", __name__)

_INTERRUPTED = 130


@dataclass(frozen=True)
class Undo:
    """How it stands. `outcome`: running, done, failed (some files), error, stopped, interrupted."""

    id: str
    run_id: str
    outcome: str
    is_look: bool
    is_of_one_file: bool
    done: int
    total: Optional[int]
    counts: dict[str, int]
    error: Optional[dict[str, Any]]

    @property
    def is_active(self) -> bool:
        return self.outcome == "running"

    @property
    def would_go_back(self) -> int:
        return self.counts.get(Outcome.WOULD_BE_RESTORED.value, 0)

    @property
    def left(self) -> int:
        """Those that would be, or were, left as they are."""
        failed = {outcome.value for outcome in Outcome if outcome.failed}
        return sum(count for status, count in self.counts.items() if status in failed)

    @property
    def can_go_on(self) -> bool:
        return self.is_look and self.outcome in ("done", "failed") and self.would_go_back > 0


@blueprint.post("/runs/<run_id>/undo")
def look(run_id: str) -> Response:
    """What would be taken back; of one file when the form has the `number` of one."""
    asked = request.form.get("number", "")
    if asked and not (asked.isascii() and asked.isdecimal() and len(asked) < 18):
        abort(400)
    with archive() as history:
        run = past_run(history, run_id)
        if not run.can_be_undone:
            abort(409)
        single: Optional[tuple[Write, ...]] = None
        if asked:
            with files_of(history, run) as files:
                entry = files.one(int(asked))
            writes = () if entry is None else writes_of(history, run, entry)
            single = tuple((write.run_id, write.number) for write in writes if write.undone is None)
            if not single:
                abort(404)
    # The last part first: it may have written to a file that another one had written to.
    ids = tuple(each.id for each in reversed(run.kept))
    folder = parts().undoing.start(ids, run.id, single, dry_run=True)
    return redirect(url_for("undo.show", undo_id=folder.id), 303)


@blueprint.get("/undo/<run:undo_id>")
def show(undo_id: str) -> str:
    folder = _folder(undo_id)
    undo = _undo(folder)
    with open_files(folder.path / "files.index", ReportFile(folder.report)) as files:
        overview = files.look()
        chosen = wanted()
        page = files.page(chosen, page_number())
    return render_template(
        "undo.html", undo=undo, overview=overview, wanted=chosen, page=page, highlights=highlights
    )


@blueprint.post("/undo/<run:undo_id>/go")
def go(undo_id: str) -> Response:
    """Take back what was looked at."""
    folder = _folder(undo_id)
    if not _undo(folder).can_go_on:
        abort(409)
    started = parts().undoing.again(folder)
    return redirect(url_for("undo.show", undo_id=started.id), 303)


@blueprint.post("/undo/<run:undo_id>/stop")
def stop(undo_id: str) -> Response:
    folder = _folder(undo_id)
    if _undo(folder).is_active:
        parts().undoing.stop(folder)
    return redirect(url_for("undo.show", undo_id=undo_id), 303)


def _folder(undo_id: str) -> RunFolder:
    return parts().undoing.folders.get(undo_id) or abort(404)


def _undo(folder: RunFolder) -> Undo:
    request_, progress, result = folder.request(), folder.progress(), folder.result()
    is_active = folder.state(parts().config.clock()).is_active
    counts = progress.get("counts")
    error = (result or {}).get("error")
    return Undo(
        id=folder.id,
        run_id=str(request_.get("shown_as")),
        outcome="running" if is_active else _outcome(result),
        is_look=request_.get("dry_run") is not False,
        is_of_one_file=request_.get("writes") is not None,
        done=progress.get("done", 0),
        total=progress.get("total"),
        counts=counts if isinstance(counts, dict) else {},
        error=error if isinstance(error, dict) else None,
    )


def _outcome(result: Optional[dict[str, Any]]) -> str:
    if result is None:
        return "interrupted"
    if result.get("error"):
        return "error"
    code = result.get("exit_code")
    return "stopped" if code == _INTERRUPTED else "done" if code == 0 else "failed"
