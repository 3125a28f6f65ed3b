"""Which sidecar belongs to a photo, and what --write-to makes of it.

Not here: what is written into it (tests/contract).
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from immich_meta_writers import PhotoMetadata, Plan, PlanOptions, Region, WriteTo, plan, read
from immich_meta_writers.errors import (
    AccessError,
    DamagedError,
    EmptyFileError,
    StructureError,
    UnsupportedError,
    XmpError,
)
from immich_meta_writers.plan import read_sidecar_of
from immich_meta_writers.plan.sidecars import sidecar_of
from tests.writers.plan.photos import BUILTIN, LONG_AGO, MOMENT, contents, packet, photo, written

WANTED = PhotoMetadata(people=("Ada",), captured=MOMENT)
BMP = b"BM\x36\x30" + bytes(40)
MODES = {mode: replace(BUILTIN, write_to=mode) for mode in WriteTo}


def run(path: Path, mode: WriteTo = WriteTo.AUTO, wanted: PhotoMetadata = WANTED) -> Plan:
    planned = plan(path, wanted, MODES[mode])
    planned.apply()
    return planned


def has_ada(path: Path) -> bool:
    return b"Ada" in path.read_bytes()


# -- which one --------------------------------------------------------------------------------------------------------


def test_the_sidecar_of_the_whole_name_is_the_photos(tmp_path: Path) -> None:
    path, own = photo(tmp_path), written(tmp_path / "IMG.jpg.xmp", packet())
    written(tmp_path / "IMG.xmp", packet())
    assert sidecar_of(str(path)) == str(own)


def test_the_sidecar_of_the_stem_is_the_photos_when_nobody_else_may_mean_it(tmp_path: Path) -> None:
    path, shared = photo(tmp_path), written(tmp_path / "IMG.xmp", packet())
    for name in ("IMG.aae", "IMG.txt", "IMG.jpg.json", "IMG2.raf", "IMG", "OTHER.raf"):
        (tmp_path / name).write_bytes(b"x")
    assert sidecar_of(str(path)) == str(shared)


@pytest.mark.parametrize("other", ["IMG.raf", "IMG.RAF", "IMG.mov", "IMG.MP4", "IMG.heic", "IMG.JPG", "IMG.png"])
def test_not_when_another_media_file_has_the_stem(tmp_path: Path, other: str) -> None:
    path = photo(tmp_path)
    written(tmp_path / "IMG.xmp", packet())
    (tmp_path / other).write_bytes(b"x")
    assert sidecar_of(str(path)) is None


@pytest.mark.parametrize(("extension", "belongs"), [("JPG", True), ("jpg", True), (" ", True), ("RAF", False)])
def test_the_sidecar_may_say_for_which_ending_it_is(tmp_path: Path, extension: str, belongs: bool) -> None:
    path = photo(tmp_path)
    prop = f"<photoshop:SidecarForExtension>{extension}</photoshop:SidecarForExtension>"
    written(tmp_path / "IMG.xmp", packet(prop))
    assert (sidecar_of(str(path)) is not None) == belongs


def test_a_sidecar_of_the_whole_name_is_the_photos_whatever_it_says(tmp_path: Path) -> None:
    path = photo(tmp_path)
    prop = "<photoshop:SidecarForExtension>RAF</photoshop:SidecarForExtension>"
    own = written(tmp_path / "IMG.jpg.xmp", packet(prop))
    assert sidecar_of(str(path)) == str(own)


@pytest.mark.parametrize("name", ["IMG", ".jpg", "IMG."])
def test_a_photo_without_an_ending_has_no_sidecar_of_its_stem(tmp_path: Path, name: str) -> None:
    path = photo(tmp_path, name)
    assert sidecar_of(str(path)) is None


def test_a_relative_path_is_looked_at_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(tmp_path)
    written(tmp_path / "IMG.xmp", packet())
    monkeypatch.chdir(tmp_path)
    assert sidecar_of("IMG.jpg") == "IMG.xmp"


def test_what_a_sidecar_says_can_be_read(tmp_path: Path) -> None:
    path = photo(tmp_path)
    assert read_sidecar_of(path) == (None, {})
    own = written(tmp_path / "IMG.jpg.xmp", packet("<dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>"))
    assert read_sidecar_of(path) == (str(own), {"XMP-dc:Subject": ("sea",)})


# -- what is written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "in_photo", "in_sidecar"),
    [
        (WriteTo.AUTO, True, False),
        (WriteTo.EMBED, True, False),
        (WriteTo.BOTH, True, True),
        (WriteTo.SIDECAR, False, True),
    ],
)
def test_where_a_photo_without_a_sidecar_is_written(
    tmp_path: Path, mode: WriteTo, in_photo: bool, in_sidecar: bool
) -> None:
    path = photo(tmp_path)
    before = contents(tmp_path)["IMG.jpg"]
    planned = run(path, mode)
    own = tmp_path / "IMG.jpg.xmp"
    assert has_ada(path) == in_photo
    assert own.exists() == in_sidecar
    assert (planned.media is not None, planned.sidecar is not None) == (in_photo, in_sidecar)
    if not in_photo:
        assert contents(tmp_path)["IMG.jpg"] == before
    assert run(path, mode).is_empty


@pytest.mark.parametrize("mode", [WriteTo.AUTO, WriteTo.EMBED, WriteTo.BOTH])
def test_a_sidecar_that_exists_is_always_updated_too(tmp_path: Path, mode: WriteTo) -> None:
    path, shared = photo(tmp_path), written(tmp_path / "IMG.xmp", packet())
    planned = run(path, mode)
    assert has_ada(path)
    assert has_ada(shared)
    assert b"<crs:Exposure2012>+0.35</crs:Exposure2012>" in shared.read_bytes()
    assert not (tmp_path / "IMG.jpg.xmp").exists()
    assert {"XMP-dc:Subject", "IPTC:Keywords"} <= {change.tag for change in planned.changes}
    assert run(path, mode).is_empty


def test_only_a_sidecar_that_lags_behind_is_written(tmp_path: Path) -> None:
    path = photo(tmp_path)
    run(path)
    own = written(tmp_path / "IMG.jpg.xmp", packet())
    before = contents(tmp_path)["IMG.jpg"]
    run(path)
    assert has_ada(own)
    assert contents(tmp_path)["IMG.jpg"] == before


def test_a_sidecar_that_says_nothing_is_not_made(tmp_path: Path) -> None:
    path = photo(tmp_path)
    planned = run(path, WriteTo.BOTH, PhotoMetadata(people=(), caption=""))
    assert planned.is_empty
    assert os.listdir(tmp_path) == ["IMG.jpg"]


def test_faces_in_a_sidecar_are_those_of_the_photos_raster(tmp_path: Path) -> None:
    path = photo(tmp_path, fixture="orientation-6.jpg")
    run(path, WriteTo.SIDECAR, PhotoMetadata(regions=(Region("Ada", 0.2, 0.3, 0.1, 0.2),)))
    sidecar = read_sidecar_of(path)[1]["XMP-mwg-rs:RegionInfo"]
    assert sidecar == ("Ada (0.300, 0.800, 0.200 x 0.100)",)


# -- what cannot be embedded ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [WriteTo.AUTO, WriteTo.BOTH, WriteTo.SIDECAR])
def test_a_format_that_is_not_embedded_into_gets_a_sidecar(tmp_path: Path, mode: WriteTo) -> None:
    path = written(tmp_path / "IMG.bmp", BMP)
    run(path, mode)
    assert path.read_bytes() == BMP
    assert has_ada(tmp_path / "IMG.bmp.xmp")
    assert run(path, mode).is_empty


def test_its_modification_time_follows_the_date_unless_only_the_sidecar_may_be_touched(tmp_path: Path) -> None:
    path = written(tmp_path / "IMG.bmp", BMP)
    run(path, WriteTo.SIDECAR)
    assert path.stat().st_mtime_ns == LONG_AGO
    run(path)
    assert path.stat().st_mtime_ns == 1_623_753_296_000_000_000


def test_with_embed_it_is_unsupported(tmp_path: Path) -> None:
    path = written(tmp_path / "IMG.bmp", BMP)
    with pytest.raises(UnsupportedError, match="BMP") as raised:
        plan(path, WANTED, MODES[WriteTo.EMBED])
    assert raised.value.path == str(path)
    with pytest.raises(UnsupportedError):
        read(path)


def test_a_refusal_says_what_the_file_is_and_what_to_do(tmp_path: Path) -> None:
    path = written(tmp_path / "VID.mov", b"RIFF\0\0\0\0AVI LIST" + bytes(100))
    with pytest.raises(UnsupportedError, match=r"this is AVI, though its name ends in \.mov: .*--write-to auto"):
        plan(path, WANTED, MODES[WriteTo.EMBED])
    with pytest.raises(UnsupportedError, match=r"metadata is not read from AVI files \(.*VID\.mov\.xmp"):
        read(path)


def test_faces_of_a_picture_whose_size_is_not_known_are_reported(tmp_path: Path) -> None:
    path = written(tmp_path / "IMG.bmp", BMP)
    planned = run(path, WriteTo.AUTO, PhotoMetadata(regions=(Region("Ada", 0.5, 0.5, 0.1, 0.1),)))
    assert [skipped.tag for skipped in planned.skipped] == ["XMP-mwg-rs:RegionInfo"]
    assert os.listdir(tmp_path) == ["IMG.bmp"]


# -- damage -----------------------------------------------------------------------------------------------------------

DAMAGED = {"empty": b"", "no media": b"just a text", "cut": b"\xff\xd8\xff\xe1\x40\x00Exif\0\0"}


@pytest.mark.parametrize("what", DAMAGED)
@pytest.mark.parametrize("mode", [WriteTo.AUTO, WriteTo.EMBED, WriteTo.BOTH])
def test_nothing_is_made_beside_a_damaged_file(tmp_path: Path, what: str, mode: WriteTo) -> None:
    path = written(tmp_path / "IMG.jpg", DAMAGED[what])
    with pytest.raises(DamagedError) as raised:
        plan(path, WANTED, MODES[mode])
    assert raised.value.path == str(path)
    assert isinstance(raised.value, EmptyFileError) == (what == "empty")
    assert contents(tmp_path) == {"IMG.jpg": (DAMAGED[what], LONG_AGO)}


@pytest.mark.parametrize("what", DAMAGED)
def test_except_when_a_sidecar_is_asked_for(tmp_path: Path, what: str) -> None:
    path = written(tmp_path / "IMG.jpg", DAMAGED[what])
    run(path, WriteTo.SIDECAR)
    assert has_ada(tmp_path / "IMG.jpg.xmp")
    assert contents(tmp_path)["IMG.jpg"] == (DAMAGED[what], LONG_AGO)


@pytest.mark.parametrize("mode", list(WriteTo))
@pytest.mark.parametrize(
    ("content", "error"),
    [(b"", EmptyFileError), (b"<x", XmpError), (b"\xff\xfe<", XmpError), (packet()[:-5], XmpError)],
)
def test_a_damaged_sidecar_is_never_replaced_and_is_the_one_that_is_named(
    tmp_path: Path, mode: WriteTo, content: bytes, error: type[DamagedError]
) -> None:
    path = photo(tmp_path)
    own = written(tmp_path / "IMG.jpg.xmp", content)
    before = contents(tmp_path)
    with pytest.raises(error) as raised:
        plan(path, WANTED, MODES[mode])
    assert raised.value.path == str(own)
    with pytest.raises(error):
        read_sidecar_of(path)
    assert contents(tmp_path) == before


def test_a_sidecar_of_the_stem_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = photo(tmp_path)
    shared = written(tmp_path / "IMG.xmp", b"<x")
    with pytest.raises(XmpError) as raised:
        plan(path, WANTED, BUILTIN)
    assert raised.value.path == str(shared)


def test_a_sidecar_that_is_a_folder_or_leads_nowhere_is_an_access_error(tmp_path: Path) -> None:
    path = photo(tmp_path)
    own = tmp_path / "IMG.jpg.xmp"
    own.mkdir()
    with pytest.raises(AccessError, match="regular"):
        plan(path, WANTED, BUILTIN)
    own.rmdir()
    own.symlink_to(tmp_path / "gone")
    with pytest.raises(AccessError, match="no such file"):
        plan(path, WANTED, BUILTIN)


def test_a_sidecar_that_is_a_link_into_another_folder_is_not_touched(tmp_path: Path) -> None:
    path = photo(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    target = written(tmp_path / "elsewhere" / "settings.xmp", packet())
    (tmp_path / "IMG.jpg.xmp").symlink_to(target)
    with pytest.raises(AccessError, match="another folder"):
        plan(path, WANTED, BUILTIN)
    assert not has_ada(target)


def test_a_sidecar_that_is_a_link_in_its_folder_stays_one(tmp_path: Path) -> None:
    path, target = photo(tmp_path), written(tmp_path / "settings.xmp", packet())
    own = tmp_path / "IMG.jpg.xmp"
    own.symlink_to("settings.xmp")
    run(path)
    assert own.is_symlink()
    assert has_ada(target)


def test_a_sidecar_larger_than_any_is_refused(tmp_path: Path) -> None:
    path = photo(tmp_path)
    own = tmp_path / "IMG.jpg.xmp"
    with own.open("wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(StructureError):
        plan(path, WANTED, BUILTIN)


def test_a_sidecar_that_appeared_after_the_plan_is_not_replaced(tmp_path: Path) -> None:
    from immich_meta_writers.errors import ChangedError

    path = photo(tmp_path)
    planned = plan(path, WANTED, MODES[WriteTo.SIDECAR])
    own = written(tmp_path / "IMG.jpg.xmp", b"foreign")
    with pytest.raises(ChangedError):
        planned.apply()
    assert own.read_bytes() == b"foreign"


def test_the_options_are_the_callers(tmp_path: Path) -> None:
    path = photo(tmp_path)
    planned = plan(str(path), WANTED)
    assert planned.path == str(path)
    assert PlanOptions().write_to is WriteTo.AUTO
