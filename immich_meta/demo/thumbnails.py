"""The small pictures that Immich shows: of an asset's own bytes, turned upright; drawn where Pillow cannot read them.

Not here: routes (api.py). Edits are not applied.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image

    from immich_meta.demo.library import DemoAsset

# Immich's defaults: a WebP of 250 pixels, a JPEG of 1440.
SIDES = {"thumbnail": 250, "preview": 1440}


class Thumbnail(NamedTuple):
    content: bytes
    kind: str


def thumbnail_of(asset: DemoAsset, size: str) -> Thumbnail:
    """`size`: thumbnail or preview."""
    picture = _picture(asset)
    picture.thumbnail((SIDES[size], SIDES[size]))
    form = "WEBP" if size == "thumbnail" else "JPEG"
    buffer = io.BytesIO()
    picture.save(buffer, form, quality=80)
    return Thumbnail(buffer.getvalue(), f"image/{form.lower()}")


def _picture(asset: DemoAsset) -> Image:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(asset.content or b"")) as picture:
            return ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError):
        return _drawn(asset)


def _drawn(asset: DemoAsset) -> Image:
    """A sky, a ground and a face in each box."""
    from PIL import Image, ImageDraw

    width, height = asset.displayed_size
    size = (640, max(1, 640 * height // width))
    picture = Image.new("RGB", size, (150, 190, 235))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, size[1] * 3 // 5, *size), fill=(100, 150, 95))
    for face in asset.faces:
        across, down = size[0] / face.size[0], size[1] / face.size[1]
        x1, y1, x2, y2 = face.box
        pen.ellipse((x1 * across, y1 * down, x2 * across, y2 * down), fill=(230, 190, 160))
    return picture
