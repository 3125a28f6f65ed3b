"""Every setting, its value, and where that came from.

Not here: changing one; that is done where it came from.
"""

from __future__ import annotations

from flask import Blueprint, render_template

from immich_meta.settings import load_what_is_right
from immich_meta.settings_table import VARIABLES
from immich_meta.web.language import language
from immich_meta.web.parts import parts
from immich_meta.web.texts import setting_meaning

blueprint = Blueprint("settings", __name__)


@blueprint.get("/settings")
def index() -> str:
    config = parts().config
    settings, *_ = load_what_is_right(config.environ, config.config, config.directory, needs_server=False)[0]
    meanings = {each.name: setting_meaning(language(), each.name, each.meaning) for each in VARIABLES}
    rows = [(name, value, settings.origins[name], meanings[name]) for name, value, _ in settings.shown()]
    file, notes = settings.config_path, settings.notes
    return render_template(
        "settings.html", problems=config.problems(), rows=rows, file=file, notes=notes, state=config.state_dir
    )
