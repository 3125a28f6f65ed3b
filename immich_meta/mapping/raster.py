"""The picture as stored, as Immich has read it: for files that nobody here looks into (CR3, RAF, RW2, MKV ...).

Not here: what the file itself tells, which always counts more (the writers).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Optional

from immich_meta.api.models import Asset, Edit, Face
from immich_meta.mapping.edits import Size, UndoError, number, undo
from immich_meta_writers.metadata import LONGEST_SIDE, Raster

# Raws and the previews in them differ by a few pixels at the edges.
_SAME_ASPECT = 0.01
_ROUNDED = 0.5  # pixels, of a preview's side
_SIDEWAYS = frozenset({5, 6, 7, 8})
_ORIENTATIONS: Mapping[Optional[str], int] = {None: 1, **{str(turn): turn for turn in range(1, 9)}}


def raster_of(asset: Asset, faces: Iterable[Face], edits: Optional[tuple[Edit, ...]]) -> Optional[Raster]:
    """What exifInfo says of the stored picture; None when it says nothing that the faces' own pictures agree with.

    Faces count from the picture as displayed, after its edits (IMMICH.md, 3): when that has other sides than the stored
    one would have, turned and edited alike, somebody has swapped or cropped something, and faces would land elsewhere.
    """
    width, height = asset.exif.image_width, asset.exif.image_height
    orientation = _ORIENTATIONS.get(asset.exif.orientation)
    displayed = displayed_size(asset)
    if not width or not height or orientation is None or displayed is None or (asset.is_edited and not edits):
        return None
    try:
        shown = undo(edits or (), displayed).edited(displayed)
    except UndoError:
        return None
    sizes = [(number(face.image_width), number(face.image_height)) for face in faces]
    sound = [(w, h) for w, h in sizes if w is not None and h is not None and w > 0 and h > 0]
    agree = bool(sound) and all(_is_same_shape(size, shown) for size in sound)
    return Raster(width, height, orientation) if agree else None


def displayed_size(asset: Asset) -> Optional[Size]:
    """Of the unedited image: exifInfo has the stored raster; asset.width and height are the edited one's."""
    width, height = asset.exif.image_width, asset.exif.image_height
    if not width or not height or not 0 < width <= LONGEST_SIDE or not 0 < height <= LONGEST_SIDE:
        return None
    return (height, width) if _ORIENTATIONS.get(asset.exif.orientation) in _SIDEWAYS else (width, height)


def _is_same_shape(preview: Size, whole: Size) -> bool:
    allowed = _SAME_ASPECT + sum(_ROUNDED / side for side in preview)
    return abs(preview[0] * whole[1] / (preview[1] * whole[0]) - 1) <= min(allowed, 2 * _SAME_ASPECT)
