"""The EXIF payload: read an EXIF block, and graft our values into it (JPEG, PNG, WebP, HEIF, JXL), or into a TIFF file.

Not here: the parts. ifd/ moves bytes, exif_block.py reads, exif_values.py encodes, exif_graft.py changes,
maker_notes.py knows the few pointers that lead out of a maker note.
"""

from __future__ import annotations

from immich_meta_writers.payloads.exif_block import ExifBlock, ForeignEntry, parse
from immich_meta_writers.payloads.exif_differences import differences
from immich_meta_writers.payloads.exif_graft import Grafted, GraftPlan, graft, plan_graft
from immich_meta_writers.payloads.maker_notes import shift_maker_note

__all__ = [
    "ExifBlock",
    "ForeignEntry",
    "GraftPlan",
    "Grafted",
    "differences",
    "graft",
    "parse",
    "plan_graft",
    "shift_maker_note",
]
