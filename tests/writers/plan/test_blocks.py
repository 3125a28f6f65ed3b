"""Payloads changed together: what does not fit is reported or spilled, what would be lost is refused.

Not here: the same over every fixture (tests/contract).
"""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from immich_meta_writers import PhotoMetadata, Position, WriteTo, plan, read
from immich_meta_writers.addresses import IimAddress
from immich_meta_writers.changes import Change
from immich_meta_writers.errors import AccessError, SelfCheckError
from immich_meta_writers.file_types import JPEG
from immich_meta_writers.payloads import xmp
from immich_meta_writers.plan import target as target_module
from immich_meta_writers.plan.blocks import NO_ROOM, check, decode, graft_xmp
from immich_meta_writers.plan.files import opened
from immich_meta_writers.plan.media import C2PA_NOTE, read_media
from immich_meta_writers.tags import BY_NAME
from tests.writers.plan.photos import BUILTIN, MOMENT, contents, photo, written

WANTED = PhotoMetadata(people=("Ada",), caption="Hello", rating=4, gps=Position(52.5, 13.4), captured=MOMENT)


def test_what_does_not_fit_into_exif_is_reported_and_the_rest_is_written(tmp_path: Path) -> None:
    path = photo(tmp_path, fixture="exif-full.jpg")
    planned = plan(path, WANTED, BUILTIN)
    assert {skipped.reason for skipped in planned.skipped} == {NO_ROOM}
    assert {skipped.tag.partition(":")[0] for skipped in planned.skipped} <= {"IFD0", "ExifIFD", "GPS"}
    planned.apply()
    found = read(path)
    assert found["XMP-dc:Description"] == "Hello"
    for skipped in planned.skipped:
        assert skipped.tag not in str(found.get("XMP-immichmeta:Added")), skipped.tag
    again = plan(path, WANTED, BUILTIN)
    assert again.is_empty
    assert again.skipped == planned.skipped


def test_when_nothing_at_all_fits_nothing_is_written(tmp_path: Path) -> None:
    path = photo(tmp_path, fixture="exif-full.jpg")
    plan(path, WANTED, BUILTIN).apply()
    planned = plan(path, PhotoMetadata(caption="Hello"), BUILTIN)
    assert planned.is_empty
    assert [skipped.tag for skipped in planned.skipped] == ["IFD0:ImageDescription"]


@pytest.mark.parametrize("fixture", ["xmp-full.jpg", "xmp-extended.jpg", "xmp-extended-subject.jpg"])
def test_a_packet_that_outgrows_its_segment_spills_into_an_extended_one(tmp_path: Path, fixture: str) -> None:
    path = photo(tmp_path, fixture=fixture)
    people = tuple(f"Person Number {number:03}" for number in range(120))
    wanted = PhotoMetadata(people=people, caption="x" * 2000)
    before = read(path).get("XMP-dc:Subject", ())
    plan(path, wanted, BUILTIN).apply()
    found = read(path)
    assert isinstance(before, tuple)
    assert found["XMP-dc:Subject"] == (*before, *people)
    assert found["XMP-dc:Description"] == "x" * 2000
    assert plan(path, wanted, BUILTIN).is_empty


def test_a_change_of_exif_and_iptc_alone_leaves_the_packet_alone(tmp_path: Path) -> None:
    path = photo(tmp_path)
    plan(path, PhotoMetadata(captured=MOMENT), BUILTIN).apply()
    with opened(str(path)) as file:
        before = read_media(file, JPEG).blocks
    grafted = graft_xmp(before, (Change("IFD0:Rating", None, 4, 4),), xmp.encoder("builtin"), None)
    assert grafted is before


def test_iptc_in_an_unknown_character_set_is_left_alone_and_named(tmp_path: Path) -> None:
    path = photo(tmp_path, fixture="iptc-unknown-charset.jpg")
    planned = plan(path, WANTED, BUILTIN)
    assert {skipped.tag for skipped in planned.skipped} == {
        "IPTC:Keywords",
        "IPTC:Caption-Abstract",
        "IPTC:DateCreated",
        "IPTC:TimeCreated",
    }
    planned.apply()
    assert read(path)["XMP-dc:Subject"] == ("Ada",)


def test_content_credentials_are_mentioned_only_when_the_file_is_written(tmp_path: Path) -> None:
    path = photo(tmp_path, fixture="c2pa-jumbf.jpg")
    planned = plan(path, WANTED, BUILTIN)
    assert C2PA_NOTE in planned.notes
    planned.apply()
    assert C2PA_NOTE not in plan(path, WANTED, BUILTIN).notes


def test_a_trailer_that_would_have_to_move_gets_a_sidecar(tmp_path: Path) -> None:
    path = photo(tmp_path, fixture="afcp-trailer.jpg")
    content = path.read_bytes()
    planned = plan(path, WANTED, BUILTIN)
    planned.apply()
    if planned.sidecar is None:
        pytest.skip("this trailer is moved along")
    assert path.read_bytes() == content
    assert (tmp_path / "IMG.jpg.xmp").exists()


def test_a_photo_whose_preview_lies_behind_the_picture_can_grow(tmp_path: Path) -> None:
    path = photo(tmp_path, fixture="maker-note-preview-behind-scan.jpg")
    plan(path, WANTED, BUILTIN).apply()
    assert plan(path, WANTED, BUILTIN).is_empty


# -- the self check ---------------------------------------------------------------------------------------------------



def test_a_lost_exif_tag_is_refused(tmp_path: Path) -> None:
    with opened(str(photo(tmp_path, fixture="exif-foreign-values.jpg"))) as file:
        before = read_media(file, JPEG).blocks
    with opened(str(photo(tmp_path, "other.jpg", "exif-only-orientation.jpg"))) as file:
        after = read_media(file, JPEG).blocks
    with pytest.raises(SelfCheckError, match="would not keep"):
        check(before, after, ())
    check(before, before, ())


def test_a_lost_iptc_dataset_is_refused(tmp_path: Path) -> None:
    with opened(str(photo(tmp_path, fixture="iptc-foreign-caption.jpg"))) as file:
        before = read_media(file, JPEG).blocks
    after = decode(replace(before.payloads, photoshop=None))
    with pytest.raises(SelfCheckError, match="IPTC"):
        check(before, after, (Change("IPTC:Keywords", None, ("Ada",), ("Ada",)),))
    assert isinstance(BY_NAME["IPTC:Keywords"].address, IimAddress)


def test_a_result_that_would_not_settle_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photo(tmp_path)
    before = contents(tmp_path)
    monkeypatch.setattr(target_module, "graft_xmp", lambda blocks, *_: blocks)
    for mode in (WriteTo.AUTO, WriteTo.EMBED):
        with pytest.raises(SelfCheckError, match="XMP-dc:Subject") as raised:
            plan(path, PhotoMetadata(people=("Ada",)), replace(BUILTIN, write_to=mode))
        assert raised.value.path == str(path)
    assert contents(tmp_path) == before


def test_a_disk_that_cannot_be_read_is_an_access_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    path = photo(tmp_path)
    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(AccessError) as raised:
        plan(path, WANTED, BUILTIN)
    assert raised.value.path == str(path)


def test_without_pread_a_file_is_read_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = photo(tmp_path)
    monkeypatch.delattr(os, "pread")
    plan(path, WANTED, BUILTIN).apply()
    assert read(path)["XMP-dc:Subject"] == ("Ada",)


def test_a_folder_that_cannot_be_listed_hides_who_else_may_mean_a_sidecar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from immich_meta_writers.plan.sidecars import sidecar_of

    def fail(*_: object) -> object:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    path = photo(tmp_path)
    written(tmp_path / "IMG.xmp", b"<x/>")
    monkeypatch.setattr(os, "scandir", fail)
    assert sidecar_of(str(path)) is None
