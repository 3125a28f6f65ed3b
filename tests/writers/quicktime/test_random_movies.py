"""Whatever a movie is made of: after a change every chunk points at the same bytes, and foreign boxes are as before."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Optional

from hypothesis import example, given, settings
from hypothesis import strategies as st

from immich_meta_writers.containers import quicktime
from immich_meta_writers.errors import WriterError
from immich_meta_writers.source import MemorySource
from tests.writers.quicktime import movies
from tests.writers.quicktime.movies import LOCATION, MDAT, MOOV, PACKET, SAMPLES, Movie, Track, box, free, ftyp, uuid

BRANDS = st.sampled_from([(ftyp(),), (ftyp(b"qt  "),), (ftyp(b"3gp4"),), ()])
PACKETS = st.one_of(st.none(), st.integers(0, 90).map(lambda count: PACKET + b" " * count))
USER_DATA = st.integers(0, 4).map(lambda count: LOCATION * count)
METAS = st.integers(0, 60).map(lambda count: box(b"hdlr", bytes(8), b"mdta", bytes(13)) + free(count + 8))
FREES = st.builds(free, st.sampled_from([8, 9, 16, 40, 100, 700]), st.sampled_from([b"free", b"skip"]))
STRANGE = st.sampled_from(
    [box(b"free", b"freeGPS data"), box(b"uuid", bytes(range(16)), b"?"), box(b"abcd", b"?"), box(b"junk", b"")]
)


@st.composite
def parts(draw: st.DrawFn) -> tuple[bytes, ...]:
    """What may stand behind the tracks of a movie header."""
    inside = draw(st.lists(st.one_of(FREES, STRANGE), max_size=2))
    if draw(st.booleans()):
        inside.insert(draw(st.integers(0, len(inside))), box(b"meta", draw(METAS)))
    for _ in range(draw(st.integers(0, 2))):
        packet = draw(PACKETS)
        held = [draw(USER_DATA), draw(USER_DATA), draw(st.sampled_from([b"", bytes(4)]))]
        if packet is not None:
            held.insert(draw(st.integers(0, 2)), box(b"XMP_", packet))
        inside.insert(draw(st.integers(0, len(inside))), box(b"udta", *held))
    return tuple(inside)


@st.composite
def made(draw: st.DrawFn) -> Movie:
    rest: list[object] = [MDAT, MOOV, *draw(st.lists(st.one_of(FREES, STRANGE, st.just(MDAT)), max_size=4))]
    packet = draw(PACKETS)
    if packet is not None:
        rest.append(uuid(packet))
    order = draw(st.permutations(rest))
    brand = draw(BRANDS)
    if not brand and order[0] not in (MDAT, MOOV):
        order = [MDAT, *(part for part in order if part != MDAT)]
    wide = draw(st.booleans())
    tracks = (Track(SAMPLES[::2], wide_offsets=wide), Track(SAMPLES[1::2], movies.tkhd(2), handler=b"soun"))
    is_open = draw(st.booleans())
    return Movie(
        top=(*brand, *order),
        tracks=tracks,
        inside=draw(parts()),
        trailer=b"" if is_open else draw(st.sampled_from([b"", b"\0\0\0", b"\0\0\xff\xff trailer"])),
        large_mdat=draw(st.booleans()) and not is_open,
        open_mdat=is_open,
        large_moov=draw(st.booleans()),
    )


@settings(max_examples=300)
@example(Movie((ftyp(), MOOV, MDAT)), PACKET, LOCATION, None, True)
@given(made(), PACKETS, st.one_of(st.none(), USER_DATA), st.one_of(st.none(), METAS), st.booleans())
def test_chunks_and_foreign_boxes_are_the_same_after_a_change(
    movie: Movie, packet: Optional[bytes], udta: Optional[bytes], meta: Optional[bytes], is_dated: bool
) -> None:
    data = movie.encoded()
    found = quicktime.read(MemorySource(data))
    assert quicktime.patch(found, found.payloads).splices == ()
    atoms = {**found.payloads.atoms, "mvhd": movies.mvhd()[8:12] + bytes([is_dated]) * 8 + movies.mvhd()[20:]}
    kept = {name: content for name, content in atoms.items() if name not in ("meta", "udta")}
    kept.update({name: content for name, content in (("meta", meta), ("udta", udta)) if content is not None})
    wanted = replace(found.payloads, xmp=packet, atoms=kept)
    new = quicktime.patch(found, wanted).apply(data)
    assert movies.samples(new) == movies.samples(data)
    assert movies.foreign(new, [b"mvhd"]) == movies.foreign(data, [b"mvhd"])
    assert new.endswith(movie.trailer)
    again = quicktime.read(MemorySource(new))
    rival = found.movie.rival is not None
    assert again.payloads.xmp == packet or rival
    if not rival and sum(part[4:8] == b"udta" for part in movie.inside) < 2:
        assert again.payloads.atoms.get("udta") == (udta if udta is not None or not _has_packet(again) else b"")
        assert again.payloads.atoms.get("meta") == meta


def _has_packet(found: quicktime.QuickTimeFile) -> bool:
    return "udta" in found.movie.packets


@settings(max_examples=100)
@given(made(), st.lists(st.tuples(PACKETS, USER_DATA), min_size=2, max_size=5))
def test_many_changes_in_a_row_keep_the_samples(movie: Movie, steps: list[tuple[Optional[bytes], bytes]]) -> None:
    data = movie.encoded()
    before = movies.samples(data)
    for packet, udta in steps:
        found = quicktime.read(MemorySource(data))
        wanted = replace(found.payloads, xmp=packet, atoms={**found.payloads.atoms, "udta": udta})
        data = quicktime.patch(found, wanted).apply(data)
        assert movies.samples(data) == before


@settings(max_examples=300)
@given(st.data())
def test_broken_movies_raise_errors_of_this_package_only(choice: st.DataObject) -> None:
    data = bytearray(choice.draw(made()).encoded())
    for _ in range(choice.draw(st.integers(1, 4))):
        data[choice.draw(st.integers(0, len(data) - 1))] = choice.draw(st.sampled_from([0, 1, 8, 0x7F, 0xFF]))
    broken = bytes(data)
    with contextlib.suppress(WriterError):
        found = quicktime.read(MemorySource(broken))
        atoms = {**found.payloads.atoms, "udta": LOCATION}
        patch = quicktime.patch(found, replace(found.payloads, xmp=PACKET, atoms=atoms))
        assert len(patch.apply(broken)) == patch.new_size
