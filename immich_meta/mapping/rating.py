"""Stars and favourite of an asset.

Not here: what happens to a foreign rating in the file (merge/).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from immich_meta.api.models import Asset
from immich_meta.mapping.notes import Note, NoteKind, Notes
from immich_meta_writers.metadata import RatingSource

REJECTED, UNRATED, MOST_STARS = -1, 0, 5


@dataclass(frozen=True)
class Stars:
    """-1 (rejected) to 5, and whether they are stars at all."""

    count: int
    source: RatingSource


def stars_of(asset: Asset) -> tuple[Optional[Stars], Notes]:
    """The first valid of exifInfo.rating and asset.rating, else 5 for a heart, else 0 (TAGS.md, Rating).

    None when the server sent no exifInfo and nothing else says: "unrated" would remove a rating of ours.
    """
    given = (("exifInfo.rating", asset.exif.rating), ("asset.rating", asset.rating))
    notes = tuple(_invalid(*each) for each in given if each[1] is not None and not _is_valid(each[1]))
    for _, value in given:
        if value is not None and _is_valid(value):
            return Stars(int(value), RatingSource.STARS), notes
    if not asset.exif_known:
        return None, notes
    if asset.is_favorite:
        return Stars(MOST_STARS, RatingSource.HEART), notes
    return Stars(UNRATED, RatingSource.UNRATED), notes


def _is_valid(value: Optional[int]) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and REJECTED <= value <= MOST_STARS


def _invalid(name: str, value: Optional[int]) -> Note:
    shown = f"{value:d}" if isinstance(value, int) and abs(value) < 10**9 else "not a number of stars"
    text = f"{name} is {shown}, which is not -1 to 5: ignored"
    return Note(NoteKind.RATING_INVALID, text, (("source", name), ("value", shown)))
