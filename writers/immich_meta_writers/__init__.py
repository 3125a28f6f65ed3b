"""Write people, places, dates, captions, ratings and albums into photo files without losing anything in them.

Not here: Immich, the network, a command line.

    from immich_meta_writers import PhotoMetadata, plan, read

    planned = plan("IMG_0001.jpg", PhotoMetadata(people=("Ada",), rating=4))
    for change in planned.changes:
        print(change.tag, change.old, change.new)
    planned.apply()

Many photos at once: `for planned, error in apply_all(plan(path, wanted) for path in paths): ...`
"""

from __future__ import annotations

from immich_meta_writers.changes import Change, Kept, Skipped
from immich_meta_writers.errors import WriterError
from immich_meta_writers.metadata import Moment, PhotoMetadata, Position, RatingSource, Region
from immich_meta_writers.plan import FilePlan, Plan, apply_all, plan, read
from immich_meta_writers.policy import FileTime, PlanOptions, WriteTo

__all__ = [
    "Change",
    "FilePlan",
    "FileTime",
    "Kept",
    "Moment",
    "PhotoMetadata",
    "Plan",
    "PlanOptions",
    "Position",
    "RatingSource",
    "Region",
    "Skipped",
    "WriteTo",
    "WriterError",
    "apply_all",
    "plan",
    "read",
]
