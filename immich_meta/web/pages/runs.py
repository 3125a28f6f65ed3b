"""Past runs, and what one of them did: its counts, its files with what was old and what is new, as a file to keep.

Not here: a run while it goes on (live.py), one file (files.py), taking back (undo.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

from flask import Blueprint, Response, abort, redirect, render_template, request, stream_with_context, url_for
from werkzeug.wrappers import Response as AnyResponse

from immich_meta.web.history.looking import archive, files_of, past_run, past_runs, writes_of
from immich_meta.web.pages.asked_for import page_number, wanted
from immich_meta.web.report import NOTABLE, FileEntry, Overview, Wanted
from immich_meta.web.report.digest import highlights
from immich_meta.web.report.export import as_csv, as_json

blueprint = Blueprint("runs", __name__)

_PER_PAGE = 30
_FORMS = {"csv": (as_csv, "text/csv"), "json": (as_json, "application/json")}


@blueprint.get("/runs")
def index() -> str:
    number = page_number()
    with archive() as history:
        runs = past_runs(history)
    pages = max(1, -(-len(runs) // _PER_PAGE))
    number = min(number, pages)
    shown = runs[(number - 1) * _PER_PAGE : number * _PER_PAGE]
    return render_template("runs.html", runs=shown, number=number, pages=pages, found=len(runs))


@blueprint.get("/runs/<run_id>")
def show(run_id: str) -> Union[str, AnyResponse]:
    with archive() as history:
        run = past_run(history, run_id)
        if run.id != run_id:  # the state's name of a run that the page knows by another
            return redirect(url_for("runs.show", run_id=run.id))
        with files_of(history, run) as files:
            overview = files.look()
            chosen = _chosen(wanted(), overview)
            page = files.page(chosen, page_number())
            share = files.share()
        back = {
            each.number: any(write.undone is not None for write in writes_of(history, run, each.entry))
            for each in (page.files if run.taken_back else ())
        }
    return render_template(
        "run.html",
        run=run,
        overview=overview,
        wanted=chosen,
        page=page,
        share=share,
        is_complete=files.is_complete,
        taken_back=back,
        highlights=highlights,
        notable=NOTABLE,
    )


@blueprint.get("/runs/<run_id>/export.<form>")
def export(run_id: str, form: str) -> Response:
    """The files that are wanted, all pages of them, as they come: nothing is gathered."""
    if form not in _FORMS:
        abort(404)
    with archive() as history:
        run = past_run(history, run_id)
    write, kind = _FORMS[form]
    answer = Response(stream_with_context(write(_entries(run.id, wanted()))), mimetype=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="immich-meta-{run.id}.{form}"'
    return answer


def _entries(run_id: str, chosen: Wanted) -> Iterator[FileEntry]:
    with archive() as history, files_of(history, past_run(history, run_id)) as files:
        files.look(None)
        yield from files.all(chosen)


def _chosen(asked: Wanted, overview: Overview) -> Wanted:
    """Who asks for nothing sees what a run did, and not the thousands that it left alone."""
    is_said = "status" in request.args or asked.tag or asked.text
    return asked if is_said or overview.notable in (0, overview.files) else Wanted(NOTABLE)
