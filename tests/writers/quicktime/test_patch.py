"""What the movie container changes, and that every sample stays where its track looks for it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Optional

import pytest

from immich_meta_writers.containers import Payloads, quicktime
from immich_meta_writers.errors import NoRoomError, UnsupportedError
from immich_meta_writers.patch import Patch
from immich_meta_writers.source import MemorySource
from tests.writers.quicktime import movies
from tests.writers.quicktime.movies import (
    LOCATION,
    MDAT,
    MOOV,
    PACKET,
    SAMPLES,
    Movie,
    Track,
    box,
    free,
    ftyp,
    mvhd,
    tkhd,
    uuid,
)

QT = ftyp(b"qt  ")
LONGER = PACKET.replace(b"Rating", b"Rating='3' xmp:Label") + b" " * 500
META = box(b"hdlr", bytes(8), b"mdta", bytes(13)) + box(b"keys", bytes(8))


def planned(data: bytes, atoms: Optional[Mapping[str, Optional[bytes]]] = None, **payloads: object) -> Patch:
    found = quicktime.read(MemorySource(data))
    wanted = {**found.payloads.atoms, **(atoms or {})}
    kept = {name: content for name, content in wanted.items() if content is not None}
    return quicktime.patch(found, replace(found.payloads, atoms=kept, **payloads))  # type: ignore[arg-type]


def changed(data: bytes, atoms: Optional[Mapping[str, Optional[bytes]]] = None, **payloads: object) -> bytes:
    """The new file, after the checks that every change has to pass."""
    patch = planned(data, atoms, **payloads)
    new = patch.apply(data)
    after = quicktime.read(MemorySource(new)).payloads
    if "xmp" in payloads:
        assert after.xmp == payloads["xmp"]
    assert {name: after.atoms.get(name) for name in atoms or {}} == dict(atoms or {})
    assert movies.samples(new) == movies.samples(data)
    edited = [name.split("/")[-1].encode() for name in atoms or {}]
    assert movies.foreign(new, edited) == movies.foreign(data, edited)
    assert sum(stop - start for _, start, _, stop in movies.boxes(new)) == len(new) - _trailer(data)
    return new


def _trailer(data: bytes) -> int:
    return len(data) - quicktime.read(MemorySource(data)).movie.end


def dated(header: bytes) -> bytes:
    return header[:4] + struct.pack(">II", 3_800_000_000, 3_800_000_000) + header[12:]


@pytest.mark.parametrize("top", [(ftyp(), MDAT, MOOV, uuid(PACKET)), (QT, MOOV, free(90), MDAT)])
def test_the_same_payloads_change_nothing(top: tuple[object, ...]) -> None:
    assert planned(Movie(top).with_inside(box(b"udta", LOCATION)).encoded()).splices == ()


@pytest.mark.parametrize("top", [(ftyp(), MDAT, MOOV), (ftyp(), MOOV, MDAT), (QT, MOOV, MDAT)])
def test_dates_are_overwritten_where_they_stand(top: tuple[object, ...]) -> None:
    data = Movie(top).encoded()
    atoms = quicktime.read(MemorySource(data)).payloads.atoms
    names = ("mvhd", "trak1/tkhd", "trak1/mdhd", "trak2/tkhd", "trak2/mdhd")
    patch = planned(data, {name: dated(atoms[name]) for name in names})
    assert [splice.length for splice in patch.splices] == [len(splice.data) for splice in patch.splices]
    assert sum(len(splice.data) for splice in patch.splices) <= 5 * 8
    after = quicktime.read(MemorySource(patch.apply(data))).payloads.atoms
    assert all(after[name] == dated(atoms[name]) for name in names)


@pytest.mark.parametrize(
    "atoms", [{"mvhd": mvhd(1)[8:]}, {"mvhd": None}, {"trak3/tkhd": tkhd()[8:]}, {"ftyp": b"qt  \0\0\0\0qt  mp41"}]
)
def test_headers_keep_their_length_and_brands_stay(atoms: dict[str, Optional[bytes]]) -> None:
    with pytest.raises(UnsupportedError):
        planned(Movie().encoded(), atoms)


def test_payloads_of_photos_have_no_place() -> None:
    with pytest.raises(UnsupportedError):
        planned(Movie().encoded(), exif=b"II*\0")


# The movie header grows.


def test_the_last_box_grows_where_it_is() -> None:
    data = Movie().encoded()
    new = changed(data, {"meta": META, "udta": LOCATION})
    assert movies.kinds(new) == [b"ftyp", b"mdat", b"moov"]
    assert movies.kinds(new, b"moov")[-2:] == [b"meta", b"udta"]
    assert new[: data.index(b"moov") - 4] == data[: data.index(b"moov") - 4]


def test_what_only_lies_behind_the_header_may_move() -> None:
    maker = box(b"sefd", b"counted from the end")
    data = Movie((ftyp(), MDAT, MOOV, free(20), uuid(PACKET), maker), trailer=b"\0\0trailer").encoded()
    new = changed(data, {"udta": LOCATION * 9})
    assert new.endswith(maker + b"\0\0trailer")


def test_a_free_box_in_the_header_gives_its_room() -> None:
    data = Movie((ftyp(), MOOV, MDAT)).with_inside(box(b"udta", LOCATION), free(500)).encoded()
    new = changed(data, {"udta": LOCATION * 2, "meta": META})
    assert len(new) == len(data)
    assert new[data.index(b"mdat") :] == data[data.index(b"mdat") :]
    assert movies.kinds(new, b"moov")[-3:] == [b"meta", b"udta", b"free"]


@pytest.mark.parametrize("size", [30 + 8, 30 + 16, 500], ids=["exactly", "all but a header", "more"])
@pytest.mark.parametrize("kind", [b"free", b"skip"])
def test_a_free_box_behind_the_header_gives_its_room(kind: bytes, size: int) -> None:
    data = Movie((ftyp(), MOOV, free(size, kind), MDAT)).encoded()
    new = changed(data, {"udta": LOCATION})
    assert len(new) == len(data)
    assert new[data.index(b"mdat") :] == data[data.index(b"mdat") :]


@pytest.mark.parametrize("size", [30 + 9, 30 + 15])
def test_a_free_box_that_would_leave_less_than_a_header_stays(size: int) -> None:
    data = Movie((ftyp(), MOOV, free(size), MDAT)).encoded()
    assert len(changed(data, {"udta": LOCATION})) == len(data) + 38 + 2048


def test_free_boxes_with_something_in_them_are_not_free() -> None:
    gps = box(b"free", b"GPS " + bytes(400))
    data = Movie((ftyp(), MOOV, gps, MDAT)).with_inside(box(b"skip", bytes(400), b"x")).encoded()
    assert len(changed(data, {"udta": LOCATION})) == len(data) + 38 + 2048


@pytest.mark.parametrize("wide_offsets", [False, True], ids=["stco", "co64"])
@pytest.mark.parametrize("large", [False, True], ids=["32 bits", "64 bits"])
def test_samples_are_shifted_with_their_offsets_and_the_next_edit_fits(large: bool, wide_offsets: bool) -> None:
    tracks = (Track(SAMPLES[::2], wide_offsets=wide_offsets), Track(SAMPLES[1::2], tkhd(2), handler=b"soun"))
    movie = Movie((ftyp(), MOOV, MDAT, free(50), MDAT), tracks, large_mdat=large, large_moov=large)
    new = changed(movie.encoded(), {"udta": LOCATION})
    assert movies.kinds(new) == [b"ftyp", b"moov", b"free", b"mdat", b"free", b"mdat"]
    again = changed(new, {"udta": LOCATION * 20, "meta": META})
    assert len(again) == len(new)


def test_an_offset_that_outgrows_32_bits_sends_the_header_to_the_end() -> None:
    base = 0xFFFFFFFF - 3000
    data = Movie((ftyp(), MOOV, MDAT), base=base).encoded()
    patch = planned(data, {"udta": LOCATION})
    new = patch.apply(data)
    assert movies.kinds(new) == [b"ftyp", b"free", b"mdat", b"moov"]
    assert movies.samples(new, base) == movies.samples(data, base) == [list(SAMPLES[::2]), list(SAMPLES[1::2])]
    assert [len(splice.data) for splice in patch.splices][:-1] == [4]
    assert quicktime.read(MemorySource(new)).payloads.atoms["udta"] == LOCATION


def test_positions_that_only_a_maker_knows_stay_true() -> None:
    def gps(data: bytes) -> bytes:
        at = struct.unpack(">I", next(movies.inside(data, b"moov", b"gps "))[8:12])[0]
        return data[at : at + 12]

    block = box(b"free", b"GPS 52.5 13.4")
    inside = box(b"gps ", struct.pack(">IIII", 1, 1, 0, 21))
    data = Movie((ftyp(), MOOV, MDAT, block)).with_inside(inside).encoded()
    at = data.index(block)
    data = data.replace(inside, box(b"gps ", struct.pack(">IIII", 1, 1, at, 21)))
    new = planned(data, {"udta": LOCATION}, xmp=PACKET).apply(data)
    assert movies.kinds(new) == [b"ftyp", b"free", b"mdat", b"free", b"moov", b"uuid"]
    assert movies.samples(new) == movies.samples(data)
    assert gps(new) == gps(data) == block[:12]


def test_an_open_last_box_gets_its_size_before_something_comes_behind_it() -> None:
    data = Movie((ftyp(), MOOV, MDAT), open_mdat=True).encoded()
    new = changed(data, xmp=PACKET)
    assert movies.kinds(new) == [b"ftyp", b"moov", b"mdat", b"uuid"]
    assert movies.kinds(changed(data, {"udta": LOCATION})) == [b"ftyp", b"moov", b"free", b"mdat"]


class Sparse:
    """A file of `data` and then zeros."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self.size = data, size

    def read_at(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.size - offset))
        return self._data[offset : offset + length].ljust(length, b"\0")


@pytest.mark.parametrize("before", [box(b"wide"), b""], ids=["wide", "nothing"])
def test_a_size_of_64_bits_takes_the_place_of_wide(before: bytes) -> None:
    movie = Movie((ftyp(), MOOV, before, MDAT) if before else (ftyp(), MOOV, MDAT), open_mdat=True)
    data = movie.encoded()
    found = quicktime.read(Sparse(data, 5 << 30))
    wanted = replace(found.payloads, xmp=PACKET)
    if not before:
        with pytest.raises(UnsupportedError, match="no place for its size"):
            quicktime.patch(found, wanted)
        return
    size, packet = quicktime.patch(found, wanted).splices
    start = data.index(b"wide") - 4
    assert (size.offset, size.length) == (start, 16)
    assert size.data == struct.pack(">I4sQ", 1, b"mdat", (5 << 30) - start)
    assert (packet.offset, packet.data) == (5 << 30, uuid(PACKET))


# The movie header shrinks.


@pytest.mark.parametrize("atoms", [{"udta": None}, {"udta": LOCATION}, {"meta": None}, {"meta": META[:-16]}])
@pytest.mark.parametrize("top", [(ftyp(), MDAT, MOOV), (ftyp(), MOOV, MDAT)])
def test_what_becomes_free_keeps_the_length(top: tuple[object, ...], atoms: dict[str, Optional[bytes]]) -> None:
    data = Movie(top).with_inside(box(b"meta", META), box(b"udta", LOCATION * 2)).encoded()
    new = changed(data, atoms)
    assert len(new) == len(data)
    assert b"free" in movies.kinds(new, b"moov")
    assert len(changed(new, {"udta": LOCATION * 2, "meta": META})) == len(data)


def test_free_space_is_joined() -> None:
    inside = (box(b"udta", LOCATION * 2), free(40))
    new = changed(Movie((ftyp(), MOOV, MDAT)).with_inside(*inside).encoded(), {"udta": LOCATION})
    assert movies.kinds(new, b"moov").count(b"free") == 1
    new = changed(Movie((ftyp(), MOOV, free(40), MDAT)).with_inside(inside[0]).encoded(), {"udta": LOCATION})
    assert movies.kinds(new) == [b"ftyp", b"moov", b"free", b"mdat"]


@pytest.mark.parametrize("top", [(ftyp(), MDAT, MOOV), (ftyp(), MOOV, MDAT)])
def test_a_gap_too_small_for_a_box_is_closed(top: tuple[object, ...]) -> None:
    changed(Movie(top).with_inside(box(b"udta", LOCATION + bytes(4))).encoded(), {"udta": LOCATION})


# XMP.


def test_a_new_packet_of_the_mp4_family_comes_last_but_before_the_random_access_box() -> None:
    mfra = box(b"mfra", box(b"mfro", bytes(4), struct.pack(">I", 24)))
    new = changed(Movie((ftyp(), MOOV, MDAT, mfra)).encoded(), xmp=PACKET)
    assert movies.kinds(new) == [b"ftyp", b"moov", b"mdat", b"uuid", b"mfra"]


def test_a_new_packet_comes_before_a_trailer() -> None:
    trailer = b"\0\0\xff\xfftrailer, found from the end"
    data = Movie((ftyp(), MOOV, MDAT, box(b"sefd", b"x")), trailer=trailer).encoded()
    new = changed(data, xmp=PACKET)
    assert new == data[: -len(trailer) - 9] + uuid(PACKET) + data[-len(trailer) - 9 :]


def test_a_new_packet_of_a_quicktime_file_goes_into_its_user_data() -> None:
    new = changed(Movie((QT, MDAT, MOOV)).with_inside(box(b"udta", LOCATION, bytes(4))).encoded(), xmp=PACKET)
    assert next(movies.inside(new, b"moov", b"udta")) == LOCATION + box(b"XMP_", PACKET) + bytes(4)
    new = changed(Movie((QT, MOOV, MDAT)).encoded(), xmp=PACKET)
    assert next(movies.inside(new, b"moov", b"udta", b"XMP_")) == PACKET


@pytest.mark.parametrize(
    "movie",
    [
        Movie((QT, uuid(PACKET), MDAT, MOOV)),
        Movie((ftyp(), MDAT, MOOV)).with_inside(box(b"udta", box(b"XMP_", PACKET), LOCATION)),
        Movie((ftyp(), MOOV, MDAT)).with_inside(box(b"udta", LOCATION), box(b"udta", box(b"XMP_", PACKET))),
    ],
    ids=["uuid in MOV", "XMP_ in MP4", "second udta"],
)
@pytest.mark.parametrize("packet", [LONGER, PACKET[:-30], PACKET.replace(b"4", b"5"), None])
def test_a_packet_at_the_other_family_s_place_is_changed_there(movie: Movie, packet: Optional[bytes]) -> None:
    new = changed(movie.encoded(), xmp=packet)
    at_home = [*movies.inside(new, b"uuid"), *movies.inside(new, b"moov", b"udta", b"XMP_")]
    assert [each.replace(movies.XMP_ID, b"") for each in at_home] == ([] if packet is None else [packet])


def test_two_packets_that_say_the_same_are_kept_in_step() -> None:
    top = (ftyp(), MDAT, MOOV, uuid(PACKET + b"  \n"))
    data = Movie(top).with_inside(box(b"udta", box(b"XMP_", PACKET))).encoded()
    new = changed(data, xmp=LONGER)
    assert next(movies.inside(new, b"uuid"))[16:] == next(movies.inside(new, b"moov", b"udta", b"XMP_")) == LONGER
    assert PACKET not in changed(data, xmp=None)


def test_two_packets_that_differ_are_a_drawback() -> None:
    data = Movie((ftyp(), MDAT, MOOV, uuid(PACKET), uuid(LONGER))).encoded()
    found = quicktime.read(MemorySource(data))
    patch = quicktime.patch(found, replace(found.payloads, xmp=PACKET.replace(b"4", b"5")))
    assert "would no longer agree" in (found.drawback(patch) or "")
    assert found.drawback(Patch(found.size)) is None
    assert uuid(LONGER) in patch.apply(data)


@pytest.mark.parametrize("top", [(ftyp(), uuid(PACKET), MOOV, MDAT), (ftyp(), MOOV, MDAT, uuid(PACKET))])
def test_a_packet_of_the_same_length_is_overwritten_narrowly(top: tuple[object, ...]) -> None:
    (splice,) = planned(Movie(top).encoded(), xmp=PACKET.replace(b"4", b"5")).splices
    assert (splice.length, splice.data) == (1, b"5")


def test_a_shorter_packet_leaves_free_space_that_a_longer_one_takes() -> None:
    data = Movie((ftyp(), uuid(LONGER), MOOV, MDAT)).encoded()
    shorter = changed(data, xmp=PACKET)
    assert movies.kinds(shorter) == [b"ftyp", b"uuid", b"free", b"moov", b"mdat"]
    assert changed(shorter, xmp=LONGER) == data


def test_a_packet_that_outgrows_its_place_moves_to_the_end_and_nothing_else_does() -> None:
    data = Movie((ftyp(), uuid(PACKET), MOOV, MDAT)).encoded()
    new = changed(data, xmp=LONGER)
    assert movies.kinds(new) == [b"ftyp", b"free", b"moov", b"mdat", b"uuid"]
    assert new.index(b"moov") == data.index(b"moov")
    assert PACKET not in new
    assert movies.kinds(changed(new, xmp=LONGER * 2))[-1] == b"uuid"


def test_a_packet_a_few_bytes_too_short_for_a_free_box_moves() -> None:
    data = Movie((ftyp(), uuid(PACKET + b"123"), MOOV, MDAT)).encoded()
    assert movies.kinds(changed(data, xmp=PACKET)) == [b"ftyp", b"free", b"moov", b"mdat", b"uuid"]


def test_a_packet_that_goes_leaves_free_space_where_samples_follow() -> None:
    data = Movie((ftyp(), uuid(PACKET), MOOV, MDAT)).encoded()
    new = changed(data, xmp=None)
    assert movies.kinds(new) == [b"ftyp", b"free", b"moov", b"mdat"]
    assert len(new) == len(data)
    data = Movie((ftyp(), MDAT, MOOV, uuid(PACKET))).encoded()
    assert changed(data, xmp=None) == data[: -len(uuid(PACKET))]


NAME = box(b"\xa9nam", b"\0\4\0\0Lake")


@pytest.mark.parametrize(
    ("before", "after", "new", "order"),
    [
        (LOCATION, NAME, box(b"date", b"?") + NAME, (box(b"date", b"?"), NAME)),
        (LOCATION, NAME, LOCATION + NAME * 2, (LOCATION, NAME * 2)),
        (LOCATION, NAME + bytes(4), NAME + bytes(4), (b"", NAME + bytes(4))),
        (LOCATION, NAME, box(b"date", NAME), (box(b"date", NAME), b"")),
        (LOCATION, NAME + bytes(4), b"", (b"", b"")),
        (LOCATION, NAME + bytes(4), box(b"date", b"?") + bytes(4), (box(b"date", b"?"), bytes(4))),
    ],
    ids=["before", "behind", "gone", "alike within another box", "all gone", "all new"],
)
def test_a_packet_keeps_its_place_among_user_data(
    before: bytes, after: bytes, new: bytes, order: tuple[bytes, bytes]
) -> None:
    packet = box(b"XMP_", PACKET)
    data = Movie((QT, MDAT, MOOV)).with_inside(box(b"udta", before, packet, after)).encoded()
    made = changed(data, {"udta": new})
    assert next(movies.inside(made, b"moov", b"udta")) == order[0] + packet + order[1]


def test_new_boxes_come_before_free_space_at_the_end() -> None:
    made = changed(Movie().with_inside(free(20)).encoded(), {"udta": LOCATION, "meta": META})
    assert movies.kinds(made, b"moov")[-3:] == [b"meta", b"udta", b"free"]


def test_everything_at_once() -> None:
    for top in ((ftyp(), MOOV, MDAT), (ftyp(), uuid(PACKET), MOOV, MDAT), (QT, MOOV, MDAT), (QT, MDAT, MOOV)):
        data = Movie(top, open_mdat=top[-1] == MDAT).with_inside(box(b"udta", LOCATION)).encoded()
        changed(data, {"meta": META, "udta": LOCATION * 3, "mvhd": dated(mvhd()[8:])}, xmp=LONGER)


def test_too_much_is_refused() -> None:
    huge = bytes((16 << 20) + 1)
    for atoms, payloads in (({"udta": huge}, {}), ({"meta": huge}, {}), ({}, {"xmp": huge})):
        with pytest.raises(NoRoomError):
            planned(Movie().encoded(), atoms, **payloads)
    data = Movie((QT, MDAT, MOOV)).with_inside(box(b"udta", box(b"blob", huge))).encoded()
    with pytest.raises(NoRoomError):
        planned(data, xmp=PACKET)
    assert len(planned(data, {"mvhd": dated(mvhd()[8:])}).splices) == 1


def test_user_data_that_are_no_boxes_take_no_packet() -> None:
    data = Movie((QT, MDAT, MOOV)).with_inside(box(b"udta", b"\xff" * 40)).encoded()
    with pytest.raises(UnsupportedError, match="does not consist of boxes"):
        planned(data, xmp=PACKET)


# Fragments.

FRAGMENTED = Movie(
    (ftyp(), MOOV, box(b"moof", box(b"mfhd", bytes(8))), box(b"mdat", b"run"), box(b"mfra", box(b"mfro", bytes(8)))),
    (Track(()),),
).with_inside(box(b"mvex", bytes(8)))


def test_fragments_never_shift() -> None:
    data = FRAGMENTED.encoded()
    with pytest.raises(UnsupportedError, match="a fragmented movie"):
        planned(data, {"udta": LOCATION})
    new = changed(data, {"mvhd": dated(mvhd()[8:])}, xmp=PACKET)
    assert movies.kinds(new) == [b"ftyp", b"moov", b"moof", b"mdat", b"uuid", b"mfra"]


def test_fragments_take_what_fits_into_free_space() -> None:
    data = replace(FRAGMENTED, top=(ftyp(), MOOV, free(300), *FRAGMENTED.top[2:])).encoded()
    new = changed(data, {"udta": LOCATION})
    assert new[data.index(b"moof") :] == data[data.index(b"moof") :]


def test_a_packet_among_fragments_moves_behind_them() -> None:
    data = replace(FRAGMENTED, top=(ftyp(), uuid(PACKET), *FRAGMENTED.top[1:])).encoded()
    new = changed(data, xmp=LONGER)
    assert movies.kinds(new) == [b"ftyp", b"free", b"moov", b"moof", b"mdat", b"uuid", b"mfra"]


def test_what_pairs_a_live_photo_is_not_touched() -> None:
    pairing = box(b"keys", bytes(7), b"\1", box(b"mdta", b"com.apple.quicktime.content.identifier"))
    still = Track(SAMPLES[1::2], tkhd(2), handler=b"meta", extra=box(b"udta", b"") + box(b"meta", pairing))
    movie = Movie((QT, box(b"wide"), MDAT, MOOV), (Track(SAMPLES[::2]), still))
    data = movie.with_inside(box(b"meta", pairing)).encoded()
    new = changed(data, {"udta": LOCATION, "mvhd": dated(mvhd()[8:])}, xmp=PACKET)
    assert next(movies.inside(new, b"moov", b"meta")) == pairing
    assert new[: data.index(b"moov") - 4] == data[: data.index(b"moov") - 4]


def test_user_data_without_atoms_stay_empty_payloads() -> None:
    assert quicktime.read(MemorySource(Movie().encoded())).payloads.atoms.get("udta") is None
    assert planned(Movie().encoded(), {"udta": None}, xmp=None).splices == ()
    assert Payloads().xmp is None
