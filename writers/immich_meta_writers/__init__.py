"""Write people, places, dates, captions, ratings and albums into photo files without losing anything in them.

Not here: Immich, the network, a command line.

    from immich_meta_writers import PhotoMetadata, plan, read

    planned = plan("IMG_0001.jpg", PhotoMetadata(people=("Ada",), rating=4))
    for change in planned.changes:
        print(change.tag, change.old, change.new)
    planned.apply()

Many photos at once: `for planned, error in apply_all(plan(path, wanted) for path in paths): ...`

Taking it back: `planned.apply(keep)` hands `keep(part, undo)` what takes each file back, before it is touched; keep
`encode_undo(undo)`, and `revert(decode_undo(data))` restores the file byte for byte unless it has changed since.
"""

from __future__ import annotations

from immich_meta_writers.changes import Change, Kept, Skipped
from immich_meta_writers.errors import WriterError
from immich_meta_writers.metadata import Moment, PhotoMetadata, Position, Raster, RatingSource, Region
from immich_meta_writers.plan import FilePlan, Plan, apply_all, plan, read
from immich_meta_writers.policy import FileTime, PlanOptions, WriteTo
from immich_meta_writers.undo import Found, How, Undo, found, revert
from immich_meta_writers.undo import decode as decode_undo
from immich_meta_writers.undo import encode as encode_undo

__all__ = [
    "Change",
    "FilePlan",
    "FileTime",
    "Found",
    "How",
    "Kept",
    "Moment",
    "PhotoMetadata",
    "Plan",
    "PlanOptions",
    "Position",
    "Raster",
    "RatingSource",
    "Region",
    "Skipped",
    "Undo",
    "WriteTo",
    "WriterError",
    "apply_all",
    "decode_undo",
    "encode_undo",
    "found",
    "plan",
    "read",
    "revert",
]
