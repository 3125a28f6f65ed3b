"""When the picture was taken: which of Immich's dates counts, and on which clock it reads.

Not here: names of time zones (zones.py) and dates in file names (file_names.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Literal, Optional
from zoneinfo import ZoneInfo

from immich_meta.api.models import VIDEO, Asset
from immich_meta.mapping.file_names import wall_clock_in
from immich_meta.mapping.notes import Note, NoteKind, Notes
from immich_meta.mapping.zones import happened_in, read_in, seen_in, zone_between, zone_named
from immich_meta_writers.metadata import Moment

DateSource = Literal["oldest", "immich"]

# UTC-12 to UTC+14: two clocks that show the same moment are never further apart.
ONE_MOMENT = timedelta(hours=26)

# Room for every offset, and four digits in the file; year 1 and 9999 are how programs say "none".
_FIRST_YEAR, _LAST_YEAR = 1000, 9998
_FIRST_YEAR_OF_FILES = 1900
# The zeros of Unix and QuickTime: a clock that was never set, not an old photo.
_UNSET = frozenset({datetime(1970, 1, 1, tzinfo=timezone.utc), datetime(1904, 1, 1, tzinfo=timezone.utc)})


@dataclass(frozen=True)
class Source:
    """One of Immich's dates. `at`: the instant as the API gives it, whole seconds; sources compare by it."""

    name: str
    at: datetime


def captured(
    asset: Asset, tz: ZoneInfo, date_source: DateSource, today: date
) -> tuple[Optional[Moment], Notes]:
    """The moment that the file should say, or None when nobody knows; with what there is to tell.

    Sources are compared as the API gives them, so that the choice depends on nothing but the asset. There, a
    zone-less dateTimeOriginal is labelled UTC and so off by up to 14 hours; the 26 hours cover that, as they
    cover the mtime and the fileCreatedAt that the server makes of our own result. Nothing moves twice.
    Source: TAGS.md, Time.
    """
    moment, notes = _captured(asset, tz, date_source, today)
    is_guessed = moment is not None and moment.offset is not None and _is_guess(asset)
    return (replace(moment, guessed=True) if moment is not None and is_guessed else moment), notes


def _is_guess(asset: Asset) -> bool:
    """Immich says UTC for a movie that does not tell its zone (IMMICH.md, 3)."""
    return asset.kind == VIDEO and asset.exif.time_zone == "UTC"


def _captured(
    asset: Asset, tz: ZoneInfo, date_source: DateSource, today: date
) -> tuple[Optional[Moment], Notes]:
    zone, notes = _zone(asset, tz)
    original, moment, of_original = _original(asset, zone, tz)
    notes += of_original
    if date_source == "immich":
        return moment, notes
    later, ignored = _later_rows(asset)
    notes += ignored
    best = original
    for source in later:
        if best is None or best.at - source.at >= ONE_MOMENT:
            best = source
    if best is None:
        wall = wall_clock_in(asset.original_file_name, today)
        return (None if wall is None else read_in(wall, tz)), notes
    if best is original:
        return moment, notes
    found = happened_in(best.at, zone or tz)
    return found, notes if moment is None else (*notes, _moved(moment, best.name, found))


def _original(
    asset: Asset, zone: Optional[tzinfo], tz: ZoneInfo
) -> tuple[Optional[Source], Optional[Moment], Notes]:
    """exifInfo.dateTimeOriginal: in the asset's zone; without one it is the wall clock, labelled UTC."""
    name, given = "exifInfo.dateTimeOriginal", asset.exif.date_time_original
    at = _utc(given)
    if at is None:
        return None, None, (() if given is None else (_ignored(name, given),))
    moment = read_in(at, tz) if zone is None else seen_in(at, zone)
    return Source(name, at), moment, _difference(asset.local_date_time, moment)


def _later_rows(asset: Asset) -> tuple[tuple[Source, ...], Notes]:
    """The other dates, all true instants, in the order in which they count."""
    exif = asset.exif
    rows = (
        ("exifInfo.dateTimeCreated", exif.date_time_created, _FIRST_YEAR),
        ("exifInfo.modifyDate", exif.modify_date, _FIRST_YEAR_OF_FILES),
        ("fileCreatedAt", asset.file_created_at, _FIRST_YEAR_OF_FILES),
        ("fileModifiedAt", asset.file_modified_at, _FIRST_YEAR_OF_FILES),
    )
    sources: list[Source] = []
    notes: list[Note] = []
    for name, given, first_year in rows:
        at = _utc(given)
        if at is not None and at.year >= first_year and at not in _UNSET:
            sources.append(Source(name, at))
        elif given is not None:
            notes.append(_ignored(name, given))
    return tuple(sources), tuple(notes)


def _utc(given: Optional[datetime]) -> Optional[datetime]:
    """Whole seconds: the milliseconds of an mtime are our own and must not decide anything."""
    if given is None or not _FIRST_YEAR <= given.year <= _LAST_YEAR:
        return None
    aware = given.replace(tzinfo=timezone.utc) if given.tzinfo is None else given.astimezone(timezone.utc)
    return aware.replace(microsecond=0)


def _zone(asset: Asset, tz: ZoneInfo) -> tuple[Optional[tzinfo], Notes]:
    """The asset's zone; None without one. Of an unknown name: localDateTime's distance, else `tz`."""
    name = (asset.exif.time_zone or "").strip()
    zone = zone_named(name) if name else None
    if zone is not None or not name:
        return zone, ()
    at, wall = _utc(asset.exif.date_time_original), asset.local_date_time
    guessed = zone_between(wall, at) if at is not None and wall is not None else None
    zone = tz if guessed is None else guessed
    instead = tz.key if guessed is None else "the distance of localDateTime"
    text = f"the time zone {name[:64]!r} is not known: {instead} was used"
    return zone, (Note(NoteKind.ZONE_UNKNOWN, text, (("timeZone", name[:64]), ("used", str(zone)))),)


def _difference(local: Optional[datetime], moment: Moment) -> Notes:
    if local is None or abs(local.replace(tzinfo=None) - moment.wall) < timedelta(seconds=1):
        return ()
    data = (("localDateTime", local.replace(tzinfo=None).isoformat()), ("dateTimeOriginal", _written(moment)))
    text = f"localDateTime says {data[0][1]}, dateTimeOriginal {data[1][1]}: the latter counts"
    return (Note(NoteKind.LOCAL_DATE_TIME_DIFFERS, text, data),)


def _moved(original: Moment, source: str, found: Moment) -> Note:
    old, new = _written(original), _written(found)
    text = f"{source} is older than dateTimeOriginal: the date moves from {old} to {new}"
    return Note(NoteKind.DATE_MOVED, text, (("source", source), ("old", old), ("new", new)))


def _ignored(name: str, given: datetime) -> Note:
    text = f"{name} is {given.isoformat()}, which is no date of a picture: ignored"
    return Note(NoteKind.DATE_IGNORED, text, (("source", name), ("value", given.isoformat())))


def _written(moment: Moment) -> str:
    zone = None if moment.offset is None else timezone(moment.offset)
    return moment.wall.replace(tzinfo=zone).isoformat()
