"""Which local file is an asset's, and every way in which none is."""

from __future__ import annotations

import base64
import hashlib
import os
import timeit
import unicodedata
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.api.models import Asset, ExifInfo
from immich_meta.path_map import parse_path_map
from immich_meta.sync.identity import Proof
from immich_meta.sync.path_outcomes import (
    Ambiguous,
    How,
    Mismatch,
    NotFound,
    Refusal,
    Refused,
    Resolution,
    Resolved,
)
from immich_meta.sync.paths import PathMapper, is_derived
from immich_meta.sync.report import Status

USER = "a6b1c5d2-0000-4000-8000-000000000001"


def _asset(path: str, size: Optional[int] = None, **rest: Optional[str]) -> Asset:
    asset_id = rest.pop("id", None) or f"id of {path}"
    return Asset(asset_id, path, exif=ExifInfo(file_size=size), **rest)  # type: ignore[arg-type]


def _file(path: Path, content: bytes = b"photo") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


def _no_id(path: str) -> Optional[str]:
    return None


def _mapper(photo_dir: Optional[Path], segments: int = 3, path_map: str = "") -> PathMapper:
    return PathMapper(parse_path_map(path_map), None if photo_dir is None else str(photo_dir), segments, _no_id)


def _kind(resolution: Resolution) -> Refusal:
    assert isinstance(resolution, Refused)
    assert resolution.failure.message
    return resolution.kind


# --- the map


def test_the_longest_prefix_of_the_map_wins(tmp_path: Path) -> None:
    wanted = _file(tmp_path / "new" / "a.jpg")
    _file(tmp_path / "old" / "library" / "a.jpg")
    mapper = _mapper(None, path_map=f"/data={tmp_path}/old;/data/library={tmp_path}/new")
    assert mapper.resolve(_asset("/data/library/a.jpg")) == Resolved(wanted, How.MAP, 5)


def test_a_prefix_ends_at_a_separator(tmp_path: Path) -> None:
    _file(tmp_path / "rary" / "a.jpg")
    _file(tmp_path / "a.jpg")
    resolution = _mapper(None, path_map=f"/data/lib={tmp_path}").resolve(_asset("/data/library/a.jpg"))
    assert isinstance(resolution, NotFound)
    assert resolution.status is Status.MISSING


@pytest.mark.parametrize(
    ("prefix", "original"),
    [
        (r"C:\photos", r"c:\photos\2024\a.jpg"),
        ("C:/photos", r"C:\photos/2024\a.jpg"),
        ("upload", "upload/2024/a.jpg"),
        ("/", "/2024/a.jpg"),
        (r"\\nas\photos", r"\\nas\photos\2024\a.jpg"),
    ],
)
def test_a_prefix_may_be_a_drive_a_share_relative_or_the_root(tmp_path: Path, prefix: str, original: str) -> None:
    wanted = _file(tmp_path / "2024" / "a.jpg")
    found = _mapper(None, path_map=f"{prefix}={tmp_path}").resolve(_asset(original))
    assert found == Resolved(wanted, How.MAP, 5)


def test_a_file_missing_from_its_mapped_place_is_not_looked_for_elsewhere(tmp_path: Path) -> None:
    _file(tmp_path / "photos" / "2024" / "a.jpg")
    mapper = _mapper(tmp_path / "photos", path_map=f"/data={tmp_path}/empty")
    resolution = mapper.resolve(_asset("/data/photos/2024/a.jpg", 5))
    assert isinstance(resolution, NotFound)
    assert resolution.tried == (f"{tmp_path}/empty/photos/2024/a.jpg",)
    assert f"{tmp_path}/empty/photos/2024/a.jpg" in resolution.failure.message


def test_a_map_needs_no_proof(tmp_path: Path) -> None:
    _file(tmp_path / "a.jpg", b"edited meanwhile")
    assert isinstance(_mapper(None, path_map=f"/data={tmp_path}").resolve(_asset("/data/a.jpg", 5)), Resolved)


# --- the number of segments


@pytest.mark.parametrize(
    ("segments", "place"),
    [(1, "a.jpg"), (2, "05/a.jpg"), (3, "2024/05/a.jpg"), (10, "data/library/2024/05/a.jpg")],
)
def test_the_last_segments_are_joined_to_the_photo_directory(tmp_path: Path, segments: int, place: str) -> None:
    wanted = _file(tmp_path / place)
    found = _mapper(tmp_path, segments).resolve(_asset("/data/library/2024/05/a.jpg", 5))
    assert found == Resolved(wanted, How.SEGMENTS, 5, Proof.SIZE)


def test_a_file_found_by_its_tail_and_not_proved_is_a_mismatch_with_both_paths(tmp_path: Path) -> None:
    path = _file(tmp_path / "2024" / "05" / "a.jpg", b"another photo")
    resolution = _mapper(tmp_path).resolve(_asset("/data/library/2024/05/a.jpg", 5))
    assert isinstance(resolution, Mismatch)
    assert resolution.status is Status.PATH_MISMATCH
    assert path in resolution.failure.message
    assert "/data/library/2024/05/a.jpg" in resolution.failure.message


def test_our_mark_in_a_file_that_we_changed_is_proof(tmp_path: Path) -> None:
    path = _file(tmp_path / "2024" / "05" / "a.jpg", b"longer than before")
    asset = _asset("/data/library/2024/05/a.jpg", 5)
    mapper = PathMapper((), str(tmp_path), 3, {path: asset.id}.get)
    assert mapper.resolve(asset) == Resolved(path, How.SEGMENTS, 18, Proof.ASSET_ID)


def test_a_checksum_is_proof_in_the_upload_library(tmp_path: Path) -> None:
    path = _file(tmp_path / "2024" / "05" / "a.jpg")
    checksum = base64.b64encode(hashlib.sha1(b"photo").digest()).decode()
    asset = _asset("/data/library/2024/05/a.jpg", checksum=checksum)
    assert _mapper(tmp_path).resolve(asset) == Resolved(path, How.SEGMENTS, 5, Proof.CHECKSUM)


def test_the_file_of_another_user_with_the_same_tail_is_not_taken(tmp_path: Path) -> None:
    path = _file(tmp_path / "2024" / "2024-05" / "IMG_0001.jpg", b"Bob's")
    mapper = _mapper(tmp_path)
    ann = _asset("/data/library/ann/2024/2024-05/IMG_0001.jpg", 4_000_000)
    bob = _asset("/data/library/bob/2024/2024-05/IMG_0001.jpg", 5)
    assert isinstance(mapper.resolve(ann), Mismatch)
    assert mapper.resolve(bob) == Resolved(path, How.SEGMENTS, 5, Proof.SIZE)


def test_two_assets_of_one_tail_and_size_are_ambiguous(tmp_path: Path) -> None:
    path = _file(tmp_path / "2024" / "2024-05" / "IMG_0001.jpg")
    ann = _asset("/data/library/ann/2024/2024-05/IMG_0001.jpg", 5)
    bob = _asset("/mnt/bob/2024/2024-05/IMG_0001.jpg", 5)
    mapper = _mapper(tmp_path)
    for asset in (ann, bob):
        mapper.announce(asset)
    for asset in (ann, bob, ann):
        resolution = mapper.resolve(asset)
        assert isinstance(resolution, Ambiguous)
        assert resolution.status is Status.PATH_MISMATCH
        assert path in resolution.failure.message


def test_without_an_announcement_the_second_asset_for_a_file_is_ambiguous(tmp_path: Path) -> None:
    _file(tmp_path / "2024" / "2024-05" / "IMG_0001.jpg")
    mapper = _mapper(tmp_path)
    ann = _asset("/data/library/ann/2024/2024-05/IMG_0001.jpg", 5)
    assert isinstance(mapper.resolve(ann), Resolved)
    assert isinstance(mapper.resolve(ann), Resolved)
    assert isinstance(mapper.resolve(_asset("/mnt/bob/2024/2024-05/IMG_0001.jpg", 5)), Ambiguous)


def test_a_checksum_tells_two_assets_of_one_tail_and_size_apart(tmp_path: Path) -> None:
    path = _file(tmp_path / "2024" / "2024-05" / "IMG_0001.jpg")
    sums = {name: base64.b64encode(hashlib.sha1(name).digest()).decode() for name in (b"photo", b"other")}
    right = _asset("/data/library/ann/2024/2024-05/IMG_0001.jpg", 5, checksum=sums[b"photo"])
    wrong = _asset("/data/library/bob/2024/2024-05/IMG_0001.jpg", 5, checksum=sums[b"other"])
    mapper = _mapper(tmp_path)
    mapper.announce(right)
    mapper.announce(wrong)
    assert isinstance(mapper.resolve(wrong), Ambiguous)
    assert mapper.resolve(right) == Resolved(path, How.SEGMENTS, 5, Proof.CHECKSUM)


# --- inference


def test_the_longest_tail_that_exists_is_found_and_named(tmp_path: Path) -> None:
    paths = [_file(tmp_path / "ann" / "2024" / "05" / f"{number}.jpg") for number in range(3)]
    _file(tmp_path / "05" / "1.jpg")
    mapper = _mapper(tmp_path)
    for number, path in enumerate(paths):
        found = mapper.resolve(_asset(f"/data/library/ann/2024/05/{number}.jpg", 5))
        assert found == Resolved(path, How.INFERRED, 5, Proof.SIZE)
    assert mapper.map_line() == f"IMMICH_PATH_MAP=/data/library={tmp_path}"
    again = _mapper(tmp_path, path_map=(mapper.map_line() or "").partition("=")[2])
    assert isinstance(again.resolve(_asset("/data/library/ann/2024/05/0.jpg", 5)), Resolved)


def test_a_place_deeper_below_the_photo_directory_is_found(tmp_path: Path) -> None:
    path = _file(tmp_path / "disk" / "immich" / "library" / "ann" / "a.jpg")
    mapper = _mapper(tmp_path)
    found = mapper.resolve(_asset("/data/library/ann/a.jpg", 5))
    assert found == Resolved(path, How.INFERRED, 5, Proof.SIZE)
    assert mapper.map_line() == f"IMMICH_PATH_MAP=/data={tmp_path}/disk/immich"


def test_a_tail_that_fits_two_files_is_ambiguous(tmp_path: Path) -> None:
    paths = {_file(tmp_path / user / "2024" / "2024-05" / "IMG_0001.jpg") for user in ("ann", "bob")}
    mapper = _mapper(tmp_path)
    resolution = mapper.resolve(_asset("/mnt/phone/2024/2024-05/IMG_0001.jpg", 5))
    assert isinstance(resolution, Ambiguous)
    assert set(resolution.candidates) == paths
    assert mapper.map_line() is None


def test_a_longer_tail_beside_the_one_of_the_segments_is_ambiguous(tmp_path: Path) -> None:
    _file(tmp_path / "2024" / "05" / "a.jpg")
    _file(tmp_path / "ann" / "2024" / "05" / "a.jpg")
    assert isinstance(_mapper(tmp_path).resolve(_asset("/data/ann/2024/05/a.jpg", 5)), Ambiguous)


def test_one_file_by_two_ways_is_not_ambiguous(tmp_path: Path) -> None:
    _file(tmp_path / "ann" / "2024" / "05" / "a.jpg")
    (tmp_path / "2024").symlink_to(tmp_path / "ann" / "2024")
    assert isinstance(_mapper(tmp_path).resolve(_asset("/data/ann/2024/05/a.jpg", 5)), Resolved)


@pytest.mark.parametrize("bin_name", ["#recycle", "@eaDir", ".snapshots", "$RECYCLE.BIN", "thumbs"])
def test_recycle_bins_and_snapshots_make_nothing_ambiguous(tmp_path: Path, bin_name: str) -> None:
    path = _file(tmp_path / "disk" / "2024" / "05" / "a.jpg")
    _file(tmp_path / bin_name / "2024" / "05" / "a.jpg")
    assert _mapper(tmp_path).resolve(_asset("/data/x/2024/05/a.jpg", 5)) == Resolved(path, How.INFERRED, 5, Proof.SIZE)


def test_an_unproved_place_gives_no_map(tmp_path: Path) -> None:
    _file(tmp_path / "ann" / "2024" / "05" / "a.jpg")
    mapper = _mapper(tmp_path)
    assert isinstance(mapper.resolve(_asset("/data/ann/2024/05/a.jpg", 6)), Mismatch)
    assert mapper.found_rules() == ()


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    resolution = _mapper(tmp_path).resolve(_asset("/data/library/2024/05/a.jpg", 5))
    assert isinstance(resolution, NotFound)
    assert resolution.tried == (f"{tmp_path}/2024/05/a.jpg", f"{tmp_path}/data/library/2024/05/a.jpg")


def test_without_a_photo_directory_and_a_rule_nothing_is_found() -> None:
    assert isinstance(_mapper(None).resolve(_asset("/data/a.jpg", 5)), NotFound)


# --- the wall


@pytest.mark.parametrize("path_map", ["", "/data={root}"])
@pytest.mark.parametrize(
    "original",
    [
        "/data/../secret/a.jpg",
        "/data/x/../../secret/a.jpg",
        "../secret/a.jpg",
        "/data/..",
        "/data/.",
        "/data/./a.jpg",
        "/data/",
        "",
        "/",
        "a\0b",
        "/da\0ta/a.jpg",
        "/data/a.jpg\0",
        r"C:\..\secret\a.jpg",
    ],
)
def test_a_path_that_cannot_be_followed_is_refused(tmp_path: Path, original: str, path_map: str) -> None:
    _file(tmp_path / "secret" / "a.jpg")
    (tmp_path / "photos").mkdir()
    mapper = _mapper(tmp_path / "photos", path_map=path_map.format(root=tmp_path / "photos"))
    resolution = mapper.resolve(_asset(original, 5))
    assert _kind(resolution) is Refusal.MALFORMED
    assert isinstance(resolution, Refused)
    assert resolution.status is Status.FAILED


def test_an_absolute_path_of_this_machine_stays_below_the_photo_directory(tmp_path: Path) -> None:
    secret = _file(tmp_path / "secret" / "a.jpg")
    (tmp_path / "photos").mkdir()
    for original in (secret, f"/{secret}"):
        assert isinstance(_mapper(tmp_path / "photos", 10).resolve(_asset(original, 5)), NotFound)


@pytest.mark.parametrize("path_map", ["", "/data={root}"])
def test_a_link_out_of_the_library_is_refused(tmp_path: Path, path_map: str) -> None:
    secret = _file(tmp_path / "secret" / "05" / "a.jpg")
    (tmp_path / "photos" / "2025" / "05").mkdir(parents=True)
    (tmp_path / "photos" / "2024").symlink_to(tmp_path / "secret")
    (tmp_path / "photos" / "2025" / "05" / "a.jpg").symlink_to(secret)
    mapper = _mapper(tmp_path / "photos", path_map=path_map.format(root=tmp_path / "photos"))
    for year in (2024, 2025):
        assert _kind(mapper.resolve(_asset(f"/data/{year}/05/a.jpg", 5))) is Refusal.OUTSIDE


@pytest.mark.parametrize("path_map", ["", "/data={root}"])
def test_a_link_within_the_library_leads_to_the_file_itself(tmp_path: Path, path_map: str) -> None:
    path = _file(tmp_path / "photos" / "real.jpg")
    (tmp_path / "photos" / "2024" / "05").mkdir(parents=True)
    (tmp_path / "photos" / "2024" / "05" / "a.jpg").symlink_to(path)
    mapper = _mapper(tmp_path / "photos", path_map=path_map.format(root=tmp_path / "photos"))
    resolution = mapper.resolve(_asset("/data/2024/05/a.jpg", 5))
    assert isinstance(resolution, Resolved)
    assert resolution.path == path


def test_the_photo_directory_may_itself_be_a_link(tmp_path: Path) -> None:
    _file(tmp_path / "disk" / "2024" / "05" / "a.jpg")
    (tmp_path / "photos").symlink_to(tmp_path / "disk")
    assert isinstance(_mapper(tmp_path / "photos").resolve(_asset("/data/2024/05/a.jpg", 5)), Resolved)


def test_a_target_whose_name_only_begins_like_the_library_is_outside(tmp_path: Path) -> None:
    _file(tmp_path / "photos-private" / "05" / "a.jpg")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "2024").symlink_to(tmp_path / "photos-private")
    assert _kind(_mapper(tmp_path / "photos").resolve(_asset("/data/2024/05/a.jpg", 5))) is Refusal.OUTSIDE


def test_a_link_in_a_circle_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").symlink_to("a.jpg")
    assert isinstance(_mapper(None, path_map=f"/data={tmp_path}").resolve(_asset("/data/a.jpg")), NotFound)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dir.jpg").mkdir()
    os.mkfifo(tmp_path / "fifo.jpg")
    mapper = _mapper(None, path_map=f"/data={tmp_path}")
    for name in ("dir.jpg", "fifo.jpg"):
        assert _kind(mapper.resolve(_asset(f"/data/{name}"))) is Refusal.NOT_A_FILE


@pytest.mark.skipif(os.getuid() == 0, reason="root enters everything")
def test_a_directory_without_permission_is_said_to_be_so(tmp_path: Path) -> None:
    _file(tmp_path / "shut" / "a.jpg")
    (tmp_path / "shut").chmod(0)
    try:
        assert _kind(_mapper(None, path_map=f"/d={tmp_path}").resolve(_asset("/d/shut/a.jpg"))) is Refusal.NO_ACCESS
    finally:
        (tmp_path / "shut").chmod(0o700)


@pytest.mark.parametrize(
    "name", ["x" * 300 + ".jpg", "\ud800.jpg", "y/" * 3000 + "a.jpg", chr(0xDCFF) + ".jpg", "a" * 100_000]
)
def test_an_impossible_name_is_not_found(tmp_path: Path, name: str) -> None:
    for mapper in (_mapper(tmp_path), _mapper(None, path_map=f"/data={tmp_path}")):
        assert isinstance(mapper.resolve(_asset(f"/data/{name}", 5)), NotFound)


@given(st.text() | st.lists(st.sampled_from(["..", "a", "data", "", ".", "C:", "\\", "\0", "é"])).map("/".join))
def test_no_path_of_a_server_raises_or_leads_outside(tmp_path_factory: pytest.TempPathFactory, original: str) -> None:
    root = tmp_path_factory.getbasetemp() / "root"
    (root / "a" / "data").mkdir(parents=True, exist_ok=True)
    for mapper in (_mapper(root), _mapper(root, path_map=f"/data={root};C:={root}")):
        assert not isinstance(mapper.resolve(_asset(original, 5)), Resolved)


# --- files that are the server's own


@pytest.mark.parametrize(
    ("directory", "upload", "derived"),
    [
        (f"/data/encoded-video/{USER}/ab/cd", True, True),
        (f"/data/encoded-video/{USER}/ab/cd", False, True),
        (f"/data/thumbs/{USER}/ab/cd", False, True),
        ("/data/thumbs/ann/ab", True, True),
        ("/usr/src/app/upload/thumbs/ann", True, True),
        ("/usr/src/app/upload/profile/ann", True, True),
        ("/data/backups", True, True),
        (f"/usr/src/app/upload/upload/{USER}/ab/cd", True, False),
        ("/usr/src/app/upload/library/ann/2024", True, False),
        ("/data/library/ann/backups", True, False),
        ("/data/library/ann/thumbs", True, False),
        ("/mnt/backups/immich/library/ann", True, False),
        ("/mnt/photos/backups/phone", False, False),
        ("/mnt/photos/profile", False, False),
    ],
)
def test_the_servers_own_folders_are_told_from_peoples(directory: str, upload: bool, derived: bool) -> None:
    assert is_derived(directory.strip("/").split("/"), upload=upload) is derived


@pytest.mark.parametrize(
    "original", ["/data/encoded-video/u/ab/cd/x.mp4", "/data/x/5f1b-MP.mp4", "/data/thumbs/u/x.jpg"]
)
def test_the_servers_own_files_are_unsupported_and_not_failed(tmp_path: Path, original: str) -> None:
    _file(tmp_path / original[6:])
    resolution = _mapper(None, path_map=f"/data={tmp_path}").resolve(_asset(original))
    assert _kind(resolution) is Refusal.DERIVED
    assert isinstance(resolution, Refused)
    assert resolution.status is Status.UNSUPPORTED


# --- names


@pytest.mark.parametrize(("given", "here"), [("NFC", "NFD"), ("NFD", "NFC")])
@pytest.mark.parametrize("path_map", ["", "/data={root}"])
def test_another_normal_form_of_a_name_is_found(tmp_path: Path, given: str, here: str, path_map: str) -> None:
    name = "Zoë/Äpfel/Café.jpg"
    path = _file(tmp_path / unicodedata.normalize(here, name))  # type: ignore[arg-type]
    original = "/data/" + unicodedata.normalize(given, name)  # type: ignore[arg-type]
    resolution = _mapper(tmp_path, path_map=path_map.format(root=tmp_path)).resolve(_asset(original, 5))
    assert isinstance(resolution, Resolved)
    assert resolution.path == path


def test_the_exact_name_goes_before_another_normal_form(tmp_path: Path) -> None:
    for form in ("NFC", "NFD"):
        _file(tmp_path / unicodedata.normalize(form, "é.jpg"), form.encode())
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system knows one normal form only")
    mapper = _mapper(None, path_map=f"/data={tmp_path}")
    for form in ("NFC", "NFD"):
        resolution = mapper.resolve(_asset("/data/" + unicodedata.normalize(form, "é.jpg")))  # type: ignore[arg-type]
        assert isinstance(resolution, Resolved)
        assert Path(resolution.path).read_bytes() == form.encode()


def test_a_backslash_in_a_unix_name_is_part_of_it(tmp_path: Path) -> None:
    path = _file(tmp_path / "a\\b.jpg")
    resolution = _mapper(None, path_map=f"/data={tmp_path}").resolve(_asset("/data/a\\b.jpg"))
    assert resolution == Resolved(path, How.MAP, 5)


def test_memory_for_directories_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("immich_meta.sync.paths.MAX_REMEMBERED_DIRECTORIES", 10)
    mapper = _mapper(tmp_path)
    for number in range(35):
        mapper.resolve(_asset(f"/data/{number}/a.jpg", 5))
    assert len(mapper._directories) <= 10
    assert len(mapper._below) <= 10


def test_a_known_directory_costs_no_second_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [_file(tmp_path / "2024" / "05" / f"{number}.jpg") for number in range(20)]
    mapper = _mapper(tmp_path)
    mapper.resolve(_asset("/data/2024/05/0.jpg", 5))
    monkeypatch.setattr(os.path, "realpath", lambda path: pytest.fail("searched again"))
    assets = [_asset(f"/data/2024/05/{number}.jpg", 5) for number in range(20)]
    assert [resolution.path for asset in assets if isinstance(resolution := mapper.resolve(asset), Resolved)] == paths
    assert timeit.timeit(lambda: mapper.resolve(assets[1]), number=200) < 1
