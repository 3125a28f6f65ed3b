"""Asset -> PhotoMetadata: what Immich knows about a photo, as what its file should say.

Not here: Immich's JSON (api/) and the bytes of a file (immich_meta_writers).
"""

from __future__ import annotations

from immich_meta.mapping.compose import DEFAULT_CAPTION_MAX_LEN, Mapped, MappingOptions, to_metadata
from immich_meta.mapping.notes import Note, NoteKind
from immich_meta.mapping.time import DateSource

__all__ = [
    "DEFAULT_CAPTION_MAX_LEN",
    "DateSource",
    "Mapped",
    "MappingOptions",
    "Note",
    "NoteKind",
    "to_metadata",
]
