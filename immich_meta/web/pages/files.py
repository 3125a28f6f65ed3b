"""One file in one run: its picture with the faces on it, every changed tag, and what other runs wrote to it.

Not here: the picture itself (thumbnails.py).
"""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from immich_meta.web.history.looking import archive, files_of, page_names, past_run, writes_of, writes_to
from immich_meta.web.pictures.thumbnails import ASSET_ID

blueprint = Blueprint("files", __name__)

_MOST_WRITES = 50
# What the tool writes for itself; people look for the rest.
_OUR_NOTES = ("XMP-immichmeta:Added", "XMP-immichmeta:AssetId")


@blueprint.get("/runs/<run_id>/files/<int:number>")
def show(run_id: str, number: int) -> str:
    with archive() as history:
        run = past_run(history, run_id)
        with files_of(history, run) as files:
            files.look()
            entry = files.one(number) if number < 1 << 62 else None
        if entry is None:
            abort(404)
        writes = writes_to(history, entry)
        names = page_names()
        own = writes_of(history, run, entry)
    return render_template(
        "file.html",
        run=run,
        number=number,
        entry=entry,
        our_notes=_OUR_NOTES,
        picture=entry.asset_id if ASSET_ID.fullmatch(entry.asset_id or "") else None,
        writes=writes[:_MOST_WRITES],
        names=names,
        is_taken_back=bool(own) and all(write.undone is not None for write in own),
        can_be_undone=not run.is_running and any(write.undone is None for write in own),
    )
