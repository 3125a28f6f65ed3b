"""A run while it goes on: how far it is, its log, stopping it; and what can be done when it has ended.

Not here: the files it wrote. Each answer here takes the same time, however many files a run has seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Union

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, stream_with_context, url_for
from werkzeug.wrappers import Response as AnyResponse

from immich_meta.errors import RunUnderWayError
from immich_meta.web.language import t
from immich_meta.web.pages.summary import summary_of
from immich_meta.web.parts import parts
from immich_meta.web.runs.asked import BadFormError
from immich_meta.web.runs.folders import RunFolder
from immich_meta.web.runs.tail import LEVELS, tail

blueprint = Blueprint("live", __name__)

_LOOK_SECONDS = 0.5
_SIGN_OF_LIFE_SECONDS = 10.0
# The browser asks again by itself; so no stream outlives its reader for long.
_LONGEST_STREAM_SECONDS = 300.0


@blueprint.get("/sync/<run:run_id>")
def show(run_id: str) -> str:
    folder = _folder(run_id)
    level = _level()
    return render_template(
        "live.html", run=summary_of(folder), log=tail(folder.log, level), level=level, levels=LEVELS
    )


@blueprint.post("/sync/<run:run_id>/stop")
def stop(run_id: str) -> AnyResponse:
    folder = _folder(run_id)
    if parts().control.state(folder).is_active:
        parts().control.stop(folder)
    return redirect(url_for("live.show", run_id=run_id), 303)


@blueprint.post("/sync/<run:run_id>/again")
def again(run_id: str) -> AnyResponse:
    """The same run once more: `how` resume, for one that was interrupted, or write, for one that only looked."""
    summary = summary_of(_folder(run_id))
    how = request.form.get("how", "")
    said = [word for word in summary.arguments if word not in ("--resume", "--clear-checkpoint", "--dry-run")]
    if how == "resume" and summary.can_resume:
        said.append("--resume")
    elif how != "write" or not summary.is_dry_run or summary.state.is_active:
        abort(400)
    try:
        folder = parts().control.start(said)
    except RunUnderWayError as error:
        return redirect(url_for("live.show", run_id=error.run_id), 303)
    except BadFormError:  # what was asked for is damaged, or of another version
        abort(400)
    return redirect(url_for("live.show", run_id=folder.id), 303)


@blueprint.get("/api/runs/<run:run_id>/progress")
def progress(run_id: str) -> Response:
    summary = summary_of(_folder(run_id))
    return jsonify({**asdict(summary), "state": summary.state.value, "percent": summary.percent})


@blueprint.get("/api/runs/<run:run_id>/panel")
def panel(run_id: str) -> str:
    """The part of the page that changes, for browsers that cannot listen."""
    return render_template("panel.html", run=summary_of(_folder(run_id)))


@blueprint.get("/api/runs/<run:run_id>/log")
def log(run_id: str) -> Response:
    after = request.args.get("after", "")
    # The longest number that a file's size can be.
    found = tail(_folder(run_id).log, _level(), int(after) if after.isdecimal() and len(after) < 16 else None)
    return jsonify(lines=[line._asdict() for line in found.lines], next=found.next, skipped=found.skipped)


@blueprint.get("/api/runs/<run:run_id>/events")
def events(run_id: str) -> Union[Response, tuple[Response, int]]:
    """Server-sent events: `panel` with the part of the page that changes, then `over`."""
    folder, streams = _folder(run_id), parts().streams
    if not streams.enter():
        return jsonify(error={"kind": "busy", "message": t("mistake.503")}), 503
    answer = Response(stream_with_context(_events(folder)), mimetype="text/event-stream")
    answer.headers["X-Accel-Buffering"] = "no"
    answer.call_on_close(streams.leave)
    return answer


def _events(folder: RunFolder) -> Iterator[str]:
    began = said = parts().config.monotonic()
    shown = ""
    while parts().config.monotonic() - began < _LONGEST_STREAM_SECONDS:
        summary = summary_of(folder)
        html = render_template("panel.html", run=summary)
        if html != shown:
            yield _event("panel", html)
            shown, said = html, parts().config.monotonic()
        elif parts().config.monotonic() - said > _SIGN_OF_LIFE_SECONDS:
            yield ": still here\n\n"
            said = parts().config.monotonic()
        if not summary.state.is_active:
            yield _event("over", summary.outcome)
            return
        if parts().streams.wait(_LOOK_SECONDS):
            return


def _event(name: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n"


def _folder(run_id: str) -> RunFolder:
    return parts().folders.get(run_id) or abort(404)


def _level() -> str:
    asked = request.args.get("level", "INFO")
    return asked if asked in LEVELS else "INFO"
