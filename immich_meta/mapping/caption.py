"""The caption of an asset.

Not here: the byte limits of single tags (the writers).
"""

from __future__ import annotations

from typing import Optional

from immich_meta.api.models import Asset
from immich_meta.mapping.names import cut_after, trimmed
from immich_meta.mapping.notes import Note, NoteKind, Notes


def caption_of(asset: Asset, max_len: int) -> tuple[Optional[str], Notes]:
    """The description, trimmed, at most `max_len` code points; empty when there is none (TAGS.md, Captions).

    None when the server sent no exifInfo at all: then nobody knows.
    """
    if not asset.exif_known:
        return None, ()
    whole = trimmed(asset.exif.description or "")
    caption = cut_after(whole, max_len)
    if len(whole) <= max_len:
        return caption, ()
    text = f"the caption has {len(whole)} characters and was cut at {max_len}"
    data = (("length", str(len(whole))), ("limit", str(max_len)))
    return caption, (Note(NoteKind.CAPTION_CUT, text, data),)
