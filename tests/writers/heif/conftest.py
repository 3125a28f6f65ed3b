"""Coded images for HEIF files: made by pillow-heif and by Pillow, once.

Not here: files made of boxes only (pictures.py).
"""

from __future__ import annotations

import io
from typing import NamedTuple

import pytest

from tests.writers.heif.pictures import Item, Picture, image, inside, items_of, walk

WIDTH, HEIGHT = 64, 48


class Coded(NamedTuple):
    """A coded still: its bytes, and the properties that a decoder needs, `ispe` first."""

    data: bytes
    properties: tuple[bytes, ...]

    def item(self, identifier: int = 1, *more: int) -> Item:
        return image(identifier, self.data, (*range(1, len(self.properties) + 1), *more))

    def picture(self, *items: Item, **more: object) -> Picture:
        """A file with this still as item 1."""
        return Picture((self.item(), *items), properties=self.properties, **more)  # type: ignore[arg-type]


def _corner() -> bytes:
    """An image that no turn leaves as it is."""
    from PIL import Image

    picture = Image.new("RGB", (WIDTH, HEIGHT), (0, 0, 255))
    picture.paste((255, 0, 0), (0, 0, WIDTH // 2, HEIGHT // 2))
    picture.paste((0, 255, 0), (WIDTH // 2, 0, WIDTH, HEIGHT // 2))
    return picture.tobytes()


@pytest.fixture(scope="session")
def heic() -> bytes:
    """A HEIC without metadata."""
    pillow_heif = pytest.importorskip("pillow_heif")
    target = io.BytesIO()
    pillow_heif.from_bytes("RGB", (WIDTH, HEIGHT), _corner()).save(target, quality=90)
    return target.getvalue()


@pytest.fixture(scope="session")
def coded(heic: bytes) -> Coded:
    start, end = inside(heic, b"meta", b"iprp", b"ipco")
    properties = {kind: heic[at:stop] for kind, at, _, stop in walk(heic, start, end)}
    wanted = [kind for kind in (b"ispe", b"hvcC", b"pixi", b"colr") if kind in properties]
    return Coded(items_of(heic)[1], tuple(properties[kind] for kind in wanted))


@pytest.fixture(scope="session")
def avif() -> bytes:
    """An AVIF without metadata."""
    from PIL import Image, features

    if not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    target = io.BytesIO()
    Image.frombytes("RGB", (WIDTH, HEIGHT), _corner()).save(target, "AVIF", quality=80)
    return target.getvalue()


@pytest.fixture(scope="session")
def avif_sequence() -> bytes:
    """An AVIF with three frames: `moov` beside `meta`."""
    from PIL import Image, features

    if not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    target = io.BytesIO()
    frames = [Image.new("RGB", (WIDTH, HEIGHT), (90 * n, 0, 255 - 90 * n)) for n in range(3)]
    frames[0].save(target, "AVIF", save_all=True, append_images=frames[1:])
    return target.getvalue()
