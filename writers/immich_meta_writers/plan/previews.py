"""Previews that a camera keeps behind the picture of a JPEG, and points to from its maker note.

Not here: which makers do (payloads/maker_notes.py).
"""

from __future__ import annotations

from dataclasses import replace

from immich_meta_writers.containers import Payloads, jpeg
from immich_meta_writers.patch import Patch
from immich_meta_writers.payloads import exif
from immich_meta_writers.plan.blocks import Blocks


def with_previews(found: jpeg.JpegFile, blocks: Blocks, payloads: Payloads, patch: Patch) -> Payloads:
    """The payloads, with those pointers moved by as much as `patch` makes the file grow behind the start of Exif."""
    block, start = payloads.exif, found.exif_at
    if not patch.splices or block is None or blocks.exif is None or start is None:
        return payloads
    in_front = Patch(patch.size, tuple(splice for splice in patch.splices if splice.offset < start))
    growth = jpeg.growth(patch) - jpeg.growth(in_front)
    shifted = exif.shift_maker_note(exif.parse(block), behind=len(blocks.exif.data), growth=growth)
    return payloads if shifted == block else replace(payloads, exif=shifted)
