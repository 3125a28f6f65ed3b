"""What the mapping has to tell the user about one asset: notes, as values.

Not here: where a note goes and how notes are counted (sync/); `text` is one plain sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class NoteKind(Enum):
    """Stable names, meant for reports and counters."""

    DATE_MOVED = "date_moved"
    DATE_IGNORED = "date_ignored"
    ZONE_UNKNOWN = "zone_unknown"
    LOCAL_DATE_TIME_DIFFERS = "local_date_time_differs"
    COORDINATES_INVALID = "coordinates_invalid"
    ALTITUDE_INVALID = "altitude_invalid"
    RATING_INVALID = "rating_invalid"
    CAPTION_CUT = "caption_cut"
    FACES_SKIPPED = "faces_skipped"
    FACE_INVALID = "face_invalid"


# The rest are worth a line in the report; these say only why something looks as it does.
_FOR_DEBUGGING = frozenset({NoteKind.DATE_IGNORED, NoteKind.LOCAL_DATE_TIME_DIFFERS, NoteKind.CAPTION_CUT})


@dataclass(frozen=True)
class Note:
    """One thing to say about an asset: a sentence, and the values in it as (name, text) pairs."""

    kind: NoteKind
    text: str
    data: tuple[tuple[str, str], ...] = ()

    @property
    def is_debug(self) -> bool:
        """True when only somebody who looks for a cause wants to read it."""
        return self.kind in _FOR_DEBUGGING


Notes = tuple[Note, ...]
