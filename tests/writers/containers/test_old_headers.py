"""A movie's header that went to the end of the file leaves none of its metadata readable at its old place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from immich_meta_writers.containers import quicktime
from immich_meta_writers.source import MemorySource
from tests.writers.quicktime import movies
from tests.writers.quicktime.movies import MDAT, MOOV, PACKET, SAMPLES, Movie, Track, box, ftyp, tkhd, uuid

SECRET = b"Oma Erna in Lindau"
PLACES = {
    "udta": (box(b"udta", box(b"\xa9nam", SECRET)),),
    "meta": (box(b"meta", box(b"hdlr", bytes(25)), box(b"free", SECRET)),),
    "second udta": (box(b"udta"), box(b"udta", box(b"\xa9nam", SECRET))),
    "uuid": (uuid(SECRET),),
    "packet": (box(b"udta", box(b"XMP_", PACKET.replace(b"</rdf:RDF>", b"<!--" + SECRET + b"--></rdf:RDF>"))),),
}
# Some dash cameras keep positions of other boxes here: nothing in such a file is shifted.
POSITIONS = box(b"gps ", bytes(16))


def moved(movie: Movie) -> tuple[bytes, quicktime.Patch]:
    """The movie with more user data than fits its header's place."""
    data = movie.encoded()
    found = quicktime.read(MemorySource(data))
    atoms = {**found.payloads.atoms, "udta": found.payloads.atoms.get("udta", b"") + box(b"\xa9cmt", b"more" * 99)}
    patch = quicktime.patch(found, replace(found.payloads, atoms=atoms))
    return data, patch


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("brand", [b"qt  ", b"isom"])
def test_metadata_of_the_movie_are_only_in_its_new_header(where: str, brand: bytes) -> None:
    data, patch = moved(Movie((ftyp(brand), MOOV, MDAT)).with_inside(*PLACES[where], POSITIONS))
    new = patch.apply(data)
    assert movies.kinds(new) == [b"ftyp", b"free", b"mdat", b"moov"]
    assert (data.count(SECRET), new.count(SECRET)) == (1, 1)
    assert new.index(SECRET) > new.index(b"moov")
    assert patch.invert(lambda offset, length: data[offset : offset + length]).apply(new) == data


def test_metadata_of_a_track_are_only_in_the_new_header() -> None:
    tracks = tuple(Track(SAMPLES, tkhd(n), extra=box(kind, SECRET)) for n, kind in ((1, b"udta"), (2, b"meta")))
    data, patch = moved(Movie((ftyp(), MOOV, MDAT), tracks).with_inside(POSITIONS))
    new = patch.apply(data)
    assert (data.count(SECRET), new.count(SECRET)) == (2, 2)
    assert new.index(SECRET) > new.index(b"moov")
    assert movies.samples(new) == movies.samples(data)


def test_the_tables_of_the_old_header_stay_so_that_undo_is_small() -> None:
    track = Track((b"x",) * 5000)
    data, patch = moved(Movie((ftyp(), MOOV, MDAT), (track,)).with_inside(*PLACES["udta"], POSITIONS))
    undo = patch.invert(lambda offset, length: data[offset : offset + length])
    assert sum(len(splice.data) for splice in undo.splices) < 100
    assert undo.apply(patch.apply(data)) == data
