"""Stars and the heart, tracked independently.

Not here: which of Immich's ratings counts (the caller's mapping).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Optional

from immich_meta_writers.addresses import ExifAddress
from immich_meta_writers.changes import Change, Kept
from immich_meta_writers.merge.decisions import Claimed, Decision, Released, View, rows
from immich_meta_writers.merge.provenance import HEART
from immich_meta_writers.metadata import RatingSource
from immich_meta_writers.tags import Module, Tag

MICROSOFT_SCALE = (0, 1, 25, 50, 75, 99)
STAR_TAGS = ("XMP-xmp:Rating", "IFD0:Rating", "IFD0:RatingPercent", "XMP-microsoft:RatingPercent")
FAVORITE_LABEL = "Favorite"
REJECTED = -1


def merge_rating(view: View, stars: int, source: RatingSource, favorite: Optional[bool]) -> Iterator[Decision]:
    """Set the stars; without any in Immich only ours become 0.

    The 5 that a heart made is remembered: when Immich has re-read it and the heart is gone, it is nobody's rating.
    """
    is_five = source is RatingSource.STARS and stars == 5
    if is_five and favorite is False and view.claims.mine(Module.RATING, HEART):
        yield from _unrated(view)
        return
    if source is RatingSource.UNRATED:
        yield from _unrated(view)
    else:
        yield from _rated(view, stars)
    if view.is_glance:
        return
    if source is RatingSource.HEART:
        yield Claimed(HEART, view.claims.new(Module.RATING, HEART, "5"))
    elif not is_five:
        yield from (Released(HEART, claim) for claim in view.claims.mine(Module.RATING, HEART))


def _rated(view: View, stars: int) -> Iterator[Decision]:
    for tag in rows(view, *STAR_TAGS):
        current, wanted = _number(view, tag), _scaled(view, tag, stars)
        if current == wanted or (wanted == 0 and tag.name not in view.values):
            continue
        yield from _set(view, tag, wanted)


def _unrated(view: View) -> Iterator[Decision]:
    for tag in rows(view, *STAR_TAGS):
        current = _number(view, tag)
        if current == 0:
            continue
        if current == REJECTED:  # newer servers drop it when they re-read our own
            yield Kept(tag.name, view.text(tag.name), "rejected in the file, unrated in Immich")
        elif view.options.clear_ratings or view.claims.is_mine(Module.RATING, tag.name, _shown(current)):
            yield from _set(view, tag, 0)
        else:
            yield Kept(tag.name, view.text(tag.name), "unrated in Immich, rated by another program")


def merge_favorite(view: View, favorite: bool) -> Iterator[Decision]:
    """The label, where nobody else uses it, and the flag."""
    for tag in rows(view, "XMP-xmp:Label"):
        label = view.text(tag.name).strip()
        if favorite and not label:
            yield from _set(view, tag, FAVORITE_LABEL)
        elif favorite and label != FAVORITE_LABEL:
            yield Kept(tag.name, label, "a label of another program")
        elif not favorite and label == FAVORITE_LABEL:
            yield from _set(view, tag, None)
    for tag in rows(view, "XMP-fstop:Favorite"):
        current, wanted = _number(view, tag), int(favorite)
        if current != wanted:
            yield from _set(view, tag, wanted)


def _set(view: View, tag: Tag, wanted: object) -> Iterator[Decision]:
    new = None if wanted is None else _shown(wanted)
    if isinstance(tag.address, ExifAddress) and isinstance(wanted, int):
        old = view.get(tag.name)
        yield Change(tag.name, old if isinstance(old, int) else None, wanted, wanted)
    else:
        yield Change(tag.name, view.text(tag.name) or None, new, new)
    for claim in view.claims.mine(Module.RATING, tag.name):
        yield Released(tag.name, claim)
    if new not in (None, "0"):
        yield Claimed(tag.name, view.claims.new(Module.RATING, tag.name, str(new)))


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _number(view: View, tag: Tag) -> float:
    """The current number; absent equals 0, and so does what is not a number."""
    try:
        number = float(view.text(tag.name) or 0)
    except ValueError:
        return math.nan
    return int(number) if number.is_integer() else number


def _scaled(view: View, tag: Tag, stars: int) -> int:
    if tag.name == "XMP-xmp:Rating":
        return stars
    stars = max(0, stars)
    if tag.name == "IFD0:Rating":
        return stars
    if tag.name == "XMP-microsoft:RatingPercent" or view.options.microsoft_percent:
        return MICROSOFT_SCALE[stars]
    return stars * 20
