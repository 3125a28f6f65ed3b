"""Numbers and moments as people read them.

Not here: words (texts/).
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Optional

from flask import Flask, g

from immich_meta.errors import SettingsError
from immich_meta.web.language import language, t
from immich_meta.web.parts import parts


def register(app: Flask) -> None:
    for each in (number, moment, duration):
        app.jinja_env.filters[each.__name__] = each


def number(value: object) -> str:
    """`12,345`, in German `12.345`; whole numbers only."""
    if not isinstance(value, (int, float)):
        return "–"
    shown = f"{round(value):,}"
    return shown.replace(",", ".") if language() == "de" else shown


def moment(value: object) -> str:
    """Seconds since 1970 as a clock in the configured zone (TZ) says, as log lines do."""
    if not isinstance(value, (int, float)):
        return "–"
    try:
        found = datetime.fromtimestamp(value, _zone())
    except (ValueError, OverflowError, OSError):
        return "–"
    return found.strftime("%d.%m.%Y, %H:%M" if language() == "de" else "%Y-%m-%d %H:%M")


def _zone() -> Optional[tzinfo]:
    if "zone" not in g:
        try:
            g.zone = parts().config.settings().time_zone
        except SettingsError:  # the page of the settings says so
            g.zone = None
    zone: Optional[tzinfo] = g.zone
    return zone


def duration(value: object) -> str:
    """Seconds in words, in two units at most."""
    if not isinstance(value, (int, float)) or value != value or not 0 <= value < 1e9:
        return "–"
    seconds = round(value)
    if seconds < 1:
        return t("time.instant")
    if seconds < 60:
        return t("time.seconds", count=seconds)
    if seconds < 3600:
        return t("time.minutes", count=seconds // 60, seconds=seconds % 60)
    return t("time.hours", count=seconds // 3600, minutes=seconds % 3600 // 60)
