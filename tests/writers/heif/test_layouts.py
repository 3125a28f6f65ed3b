"""Random but valid files: whatever is written, every other item's bytes are where `iloc` and `stco` say."""

from __future__ import annotations

import struct
from typing import Any, Optional

from hypothesis import given, settings
from hypothesis import strategies as st

from immich_meta_writers.errors import UnsupportedError
from tests.writers.heif.edits import changed, read
from tests.writers.heif.pictures import (
    PREFIX,
    TIFF,
    XMP_TYPE,
    Item,
    Picture,
    box,
    decode_positions,
    full,
    movie,
    walk,
)

ISPE = full(b"ispe", 0, struct.pack(">II", 64, 48))
SIZES = [(4, 4, 0, 0), (4, 4, 4, 0), (8, 8, 8, 8), (0, 4, 4, 4), (4, 8, 0, 4), (0, 8, 8, 0)]
BOXES = {
    "free": box(b"free", bytes(700)),
    "skip": box(b"skip", bytes(90)),
    "uuid": box(b"uuid", bytes(range(40))),
    "mpvd": box(b"mpvd", b"a movie"),
    "sefd": box(b"sefd", b"SEFT"),
}
MARK = b"sample of a movie"

blocks = st.one_of(st.none(), st.integers(0, 900).map(lambda size: TIFF + b"\x55" * size))
packets = st.one_of(st.none(), st.integers(4, 900).map(lambda size: b"<" + b"x" * size + b"/>"))


@st.composite
def layouts(draw: st.DrawFn) -> Picture:
    version = draw(st.sampled_from([0, 1, 2]))
    homes = st.sampled_from(["mdat", "mdat", "idat"] if version else ["mdat"])
    sizes = draw(st.sampled_from(SIZES))
    numbers = draw(st.lists(st.integers(1, 90 if version < 2 else 90_000), min_size=2, max_size=6, unique=True))
    primary, *rest = numbers

    def item(number: int, kind: bytes, data: bytes, content_type: bytes = b"", to: tuple[int, ...] = ()) -> Item:
        pieces = draw(st.sampled_from([1, 1, 2, 3])) if sizes[0] else 1
        home, properties = draw(homes), () if to else (1,)
        base = draw(st.booleans())
        return Item(number, kind, data, home, pieces, content_type, None, 0, to, properties, base)

    items = [item(primary, b"hvc1", MARK)]
    for number in rest:
        kind = draw(st.sampled_from(["image", "exif", "xmp"]))
        # Two of a kind for one image are another matter: without the first, the second is the photo's.
        is_second = any(other.type == {"exif": b"Exif", "xmp": b"mime"}.get(kind) for other in items)
        images = [other.id for other in items if other.type == b"hvc1"]
        if is_second and len(images) == 1:
            kind = "image"
        to = (draw(st.sampled_from(images[1:] if is_second and images[1:] else [primary, *images])),)
        if kind == "exif":
            prefix = draw(st.sampled_from([PREFIX, bytes(4)]))
            items.append(item(number, b"Exif", prefix + TIFF + draw(st.binary(max_size=20)), to=to))
        elif kind == "xmp":
            items.append(item(number, b"mime", b"<" + b"y" * draw(st.integers(4, 300)) + b"/>", XMP_TYPE, to))
        else:
            items.append(item(number, b"hvc1", draw(st.binary(min_size=1, max_size=50))))
    extra = draw(st.lists(st.sampled_from(["free", "skip", "uuid", "moov"]), unique=True))
    order = draw(st.permutations(["meta", "mdat", *extra]))
    trailer = draw(st.sampled_from([[], [], ["mpvd"], ["mpvd", "sefd"]]))
    return Picture(
        draw(st.permutations(items)),
        properties=(ISPE,),
        primary=primary,
        version=version,
        sizes=sizes,
        order=(*order, *trailer),
        extra={**BOXES, "moov": movie([0], draw(st.sampled_from([b"stco", b"co64"])))},
        in_meta=draw(st.sampled_from([(), (box(b"free", bytes(64)),)])),
        gap=draw(st.sampled_from([0, 0, 5])),
        open_last=not trailer and draw(st.booleans()),
        large=draw(st.booleans()),
        wide_count=draw(st.booleans()),
    )


def with_samples(picture: Picture) -> bytes:
    """The file; the movie in it, if any, plays the bytes of the primary image."""
    data = picture.encode()
    if "moov" not in picture.order:
        return data
    kind = b"stco" if b"stco" in data else b"co64"
    return picture.but(extra={**picture.extra, "moov": movie([data.index(MARK)], kind)}).encode()


@settings(max_examples=100)
@given(layouts(), st.lists(st.tuples(blocks, packets), min_size=1, max_size=4))
def test_every_item_stays_reachable(picture: Picture, edits: list[tuple[Optional[bytes], Optional[bytes]]]) -> None:
    data = with_samples(picture)
    is_fixed = "sefd" in picture.order
    for block, packet in edits:
        wanted: dict[str, Any] = {"exif": block, "xmp": packet}
        try:
            made = changed(data, **wanted)
        except UnsupportedError as error:
            assert is_fixed
            assert error.place == "mpvd"  # noqa: PT017
            continue
        list(walk(made))
        if "moov" in picture.order:
            (position,) = decode_positions(made)
            # In idat it may lie anywhere; the sample is one piece only if the item is.
            assert made[position : position + 6] == MARK[:6]
        if is_fixed:
            assert made.index(b"mpvd") == data.index(b"mpvd")
        assert picture.order[-1] != "mpvd" or made.endswith(BOXES["mpvd"])
        data = made


@settings(max_examples=40)
@given(layouts(), st.lists(st.tuples(blocks, packets), min_size=6, max_size=12))
def test_dead_bytes_do_not_pile_up(picture: Picture, edits: list[tuple[Optional[bytes], Optional[bytes]]]) -> None:
    data = start = with_samples(picture)
    for block, packet in edits:
        try:
            data = changed(data, exif=block, xmp=packet)
        except UnsupportedError:
            assert "sefd" in picture.order
            return
    # The two payloads, the tables of two items, and wider fields of all others.
    assert len(data) <= len(start) + 2 * 1000 + 400 + 24 * 3 * len(picture.items)
    assert read(data).payloads.xmp == edits[-1][1]
