"""Are the settings understood, and is the time zone one that somebody has chosen?

Not here: what each setting allows (settings_table.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from immich_meta.doctor.finding import Finding, Level, good, of_error
from immich_meta.doctor.machine import Machine
from immich_meta.errors import SettingsError
from immich_meta.settings import Settings, Source


def settings_understood(users: Sequence[Settings], errors: Sequence[SettingsError]) -> Iterator[Finding]:
    """A fault for each wrong setting, and one for what is missing."""
    common = users[0]
    for error in errors:
        yield of_error(_id_of(common, error), error, "No run begins. The other checks go on as if it were not set.")
    for note in dict.fromkeys(note for settings in users for note in settings.notes):
        cure = "Correct the name in the file."
        yield Finding("settings.unknown", Level.WARNING, note, "What was meant by it is not done.", cure)
    if not errors:
        names = ", ".join(settings.user for settings in users if settings.user)
        whose = f", of {len(users)} users: {names}" if names else ""
        yield good("settings.understood", f"The settings are understood: {_sources(common)}{whose}")


def _id_of(settings: Settings, error: SettingsError) -> str:
    origin = settings.origins.get(error.name)
    return "settings.missing" if origin is not None and origin.source is Source.DEFAULT else "settings.wrong"


def _sources(settings: Settings) -> str:
    counts = [(source, sum(origin.source is source for origin in settings.origins.values())) for source in Source]
    places = {Source.FILE: str(settings.config_path), Source.ENVIRONMENT: "the environment", Source.DEFAULT: "defaults"}
    return ", ".join(f"{count} from {places[source]}" for source, count in counts if count)


def time_zone(settings: Settings, machine: Machine) -> Iterator[Finding]:
    """A zone that nobody has chosen is a guess, and dates depend on it. For a TZ that is understood."""
    origin = settings.origins.get("TZ")
    chosen = settings.time_zone.key
    if origin is None or origin.source is not Source.DEFAULT:
        yield good("clock.zone", f"The time zone is {chosen}")
        return
    differs = machine.zone not in (None, chosen)
    here = f"; this machine says {machine.zone}" if differs else ""
    yield Finding(
        "clock.zone_guessed",
        Level.WARNING if differs else Level.NOTE,
        f"TZ is not set: {chosen} is assumed{here}",
        "Dates of photos without a time zone of their own are taken as clock times there.",
        f"Set TZ to where most of the photos were taken, e.g. TZ={chosen}.",
    )
