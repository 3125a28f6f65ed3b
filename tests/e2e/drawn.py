"""Photos with faces of a colour that nothing else has, so that it can be seen where they are.

Not here: who looks (test_looking.py).
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

SIZE = (800, 600)  # as stored
FACE = (255, 0, 255)
Box = tuple[float, float, float, float]
# How Pillow turns a picture that is shown upright into the one that a camera stores.
_STORED = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def photo(boxes: Sequence[Box], orientation: int = 1) -> bytes:
    """A JPEG with a face in each box (x1, y1, x2, y2), in pixels of the picture as it is shown."""
    shown = SIZE if orientation in (1, 3) else SIZE[::-1]
    picture = Image.new("RGB", shown, (60, 130, 90))
    pen = ImageDraw.Draw(picture)
    for x1, y1, x2, y2 in boxes:
        pen.rectangle((x1, y1, x2 - 1, y2 - 1), fill=FACE)
    turn = _STORED[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    stored = picture if turn is None else picture.transpose(turn)
    stored.save(buffer, "JPEG", quality=95, subsampling=0, exif=exif)
    return buffer.getvalue()


def places_of_faces(screenshot: bytes) -> list[tuple[float, float, float, float]]:
    """Where the faces are on a picture of the screen, from left to right, as shares of it; none above another."""
    with Image.open(io.BytesIO(screenshot)) as picture:
        red, green, blue = picture.convert("RGB").split()
    is_face = [each.point(lambda value: 255 * (value > 150)) for each in (red, blue)]
    not_green = green.point(lambda value: 255 * (value < 100))
    mask = Image.composite(is_face[0], not_green.point(lambda _: 0), not_green)
    mask = Image.composite(mask, mask.point(lambda _: 0), is_face[1])
    columns = [mask.crop((x, 0, x + 1, mask.height)).getbbox() is not None for x in range(mask.width)]
    found, start = [], None
    for x, has_face in enumerate((*columns, False)):
        if has_face and start is None:
            start = x
        elif not has_face and start is not None:
            _, top, _, bottom = mask.crop((start, 0, x, mask.height)).getbbox() or (0, 0, 0, 0)
            if x - start > 3:
                found.append((start / mask.width, top / mask.height, x / mask.width, bottom / mask.height))
            start = None
    return found
