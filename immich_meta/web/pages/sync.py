"""The form that starts a run: every module and option of `sync`, a dry run unless told otherwise.

Not here: which options there are (runs/asked.py), and what is shown of a run (live.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional, Union

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from immich_meta.errors import RunUnderWayError
from immich_meta.web.language import language
from immich_meta.web.parts import parts
from immich_meta.web.runs.asked import GROUPS, BadFormError, Field, arguments, chosen, fields
from immich_meta.web.texts import has, option_help

blueprint = Blueprint("sync", __name__)
Answer = Union[str, Response]

# What most people want first; nothing is written by it.
_AT_FIRST = {**dict.fromkeys(("people", "gps", "caption", "time", "rating"), "1"), "dry_run": "1"}


@blueprint.get("/sync")
def form() -> Answer:
    """Filled in as a run was asked for, with `?again=<its id>`."""
    again = parts().folders.get(request.args.get("again", ""))
    return _form(_AT_FIRST if again is None else chosen(again.arguments()))


@blueprint.post("/sync")
def start() -> Answer:
    sent = {name: values for name, values in request.form.lists() if name != "csrf"}
    try:
        folder = parts().control.start(arguments(sent))
    except BadFormError as error:
        return make_response(_form(_shown(sent), error), 400)
    except RunUnderWayError:
        return make_response(_form(_shown(sent)), 409)
    return redirect(url_for("live.show", run_id=folder.id), 303)


def _form(values: Mapping[str, str], error: Optional[BadFormError] = None) -> str:
    groups = {group: [each for each in fields() if each.group == group] for group in GROUPS}
    return render_template(
        "sync.html",
        groups=groups,
        values=values,
        error=error,
        active=parts().control.active(),
        label=_label,
        help=lambda field: option_help(language(), field.name, field.help),
        users=[each.user for each in parts().config.users() if each.user],
    )


def _label(field: Field) -> str:
    """The key of a text, or nothing for an option that has none yet: its flag serves."""
    key = f"option.{field.name}"
    return key if has(key) else ""


def _shown(sent: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: ",".join(values) for name, values in sent.items() if values}
