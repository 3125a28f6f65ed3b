"""A tree of sidecars: the folders of the photos mirrored elsewhere, and not a byte or a name where the photos are."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from immich_meta_writers import PhotoMetadata, Plan, PlanOptions, Undo, WriteTo, plan, revert
from immich_meta_writers.commit.journal import journal_name
from immich_meta_writers.errors import AccessError, XmpError
from immich_meta_writers.plan import marks, mirrored, read_sidecar_of, written_in
from tests.writers.plan.photos import BUILTIN, MOMENT, packet, photo

WANTED = PhotoMetadata(people=("Ada",), caption="Picnic", captured=MOMENT)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return tmp_path / "side"


def options(tree: Path) -> PlanOptions:
    return replace(BUILTIN, sidecar_dir=str(tree))


def run(path: Path, tree: Path, wanted: PhotoMetadata = WANTED) -> Plan:
    planned = plan(path, wanted, options(tree))
    planned.apply()
    return planned


def place(path: Path, tree: Path) -> Path:
    """Where the whole path of the photo leads below the tree."""
    return Path(f"{tree}{os.path.realpath(path)}.xmp")


def listing(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every name in a folder, with its size, its modification and its change time; and the folders' own."""
    found = (folder, *folder.rglob("*"))
    return {str(each): (each.stat().st_size, each.stat().st_mtime_ns, each.stat().st_ctime_ns) for each in found}


def say(path: Path) -> object:
    return read_sidecar_of(str(path)[: -len(".xmp")])[1].get("XMP-dc:Subject")


def made(folder: Path, name: str = "2024/a.jpg") -> Path:
    path = folder / "library" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return photo(path.parent, path.name)


def test_the_whole_path_is_mirrored_and_the_library_is_as_it_was(tmp_path: Path, tree: Path) -> None:
    path = made(tmp_path)
    before = listing(tmp_path / "library")
    planned = run(path, tree)
    assert planned.sidecar is not None
    assert Path(planned.sidecar.path) == place(path, tree)
    assert say(place(path, tree)) == ("Ada",)
    assert listing(tmp_path / "library") == before


def test_a_second_run_changes_nothing_and_other_wishes_are_followed(tmp_path: Path, tree: Path) -> None:
    path = made(tmp_path)
    run(path, tree)
    before = listing(tree)
    assert run(path, tree).is_empty
    assert listing(tree) == before
    run(path, tree, replace(WANTED, people=("Bob",)))
    assert say(place(path, tree)) == ("Bob",)
    assert not [name for name in listing(tree) if name.endswith(".tmp")]


def test_two_libraries_with_one_folder_name_do_not_collide(tmp_path: Path, tree: Path) -> None:
    one, other = made(tmp_path / "one"), made(tmp_path / "other")
    run(one, tree)
    run(other, tree, PhotoMetadata(people=("Bob",)))
    assert (say(place(one, tree)), say(place(other, tree))) == (("Ada",), ("Bob",))


def test_a_photo_that_is_reached_by_a_link_has_one_sidecar(tmp_path: Path, tree: Path) -> None:
    path = made(tmp_path)
    (tmp_path / "by-link").symlink_to(tmp_path / "library")
    run(path, tree)
    assert run(tmp_path / "by-link" / "2024" / "a.jpg", tree).is_empty


def test_what_is_in_a_sidecar_beside_the_photo_comes_along_once(tmp_path: Path, tree: Path) -> None:
    path = made(tmp_path)
    beside = path.with_name("a.jpg.xmp")
    beside.write_bytes(packet('<rdf:Description xmlns:dt="http://darktable.sf.net/" dt:history="exposure"/>'))
    before = listing(tmp_path / "library")
    run(path, tree)
    assert b"exposure" in place(path, tree).read_bytes()
    assert say(place(path, tree)) == ("Ada",)
    assert listing(tmp_path / "library") == before
    beside.write_bytes(packet('<rdf:Description xmlns:dt="http://darktable.sf.net/" dt:history="crop"/>'))
    assert run(path, tree).is_empty  # from now on the one in the tree counts


def test_a_sidecar_beside_the_photo_that_cannot_be_read_is_refused_by_name(tmp_path: Path, tree: Path) -> None:
    path = made(tmp_path)
    path.with_name("a.jpg.xmp").write_bytes(b"<x:xmpmeta")
    with pytest.raises(XmpError, match=r"a\.jpg\.xmp"):
        run(path, tree)
    assert not tree.exists()


@pytest.mark.parametrize("mode", list(WriteTo))
def test_whatever_write_to_says_the_photo_is_left_alone(tmp_path: Path, tree: Path, mode: WriteTo) -> None:
    path = made(tmp_path)
    before = listing(tmp_path / "library")
    plan(path, WANTED, replace(options(tree), write_to=mode)).apply()
    assert listing(tmp_path / "library") == before


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_folders_and_sidecars_get_the_rights_of_what_they_mirror(tmp_path: Path, tree: Path) -> None:
    path = made(tmp_path)
    (tmp_path / "library").chmod(0o777)
    path.parent.chmod(0o500)
    path.chmod(0o440)
    run(path, tree)
    sidecar = place(path, tree)
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (sidecar.parent.parent, sidecar.parent, sidecar)]
    assert modes == [0o775, 0o700, 0o640]


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_link_in_the_tree_never_leads_out_of_it(tmp_path: Path, tree: Path) -> None:
    path = made(tmp_path)
    before = listing(tmp_path / "library")
    for depth in (1, 3, len(path.parts) - 2):  # also right to the photo's own folder
        link = Path(f"{tree}{Path(*path.resolve().parts[: depth + 1])}")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path(*path.resolve().parts[: depth + 1]))
        with pytest.raises(AccessError, match="leads out of it"):
            run(path, tree)
        link.unlink()
    assert listing(tmp_path / "library") == before


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_link_that_comes_between_plan_and_write_is_noticed(tmp_path: Path, tree: Path) -> None:
    path = made(tmp_path)
    planned = plan(path, WANTED, options(tree))
    place(path, tree).parent.parent.mkdir(parents=True)
    place(path, tree).parent.symlink_to(path.parent)
    before = listing(tmp_path / "library")
    with pytest.raises(AccessError, match="leads out of it"):
        planned.apply()
    assert listing(tmp_path / "library") == before


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_sidecar_in_the_tree_that_is_a_link_is_not_written_through(tmp_path: Path, tree: Path) -> None:
    path, victim = made(tmp_path), tmp_path / "victim.xmp"
    victim.write_bytes(packet(""))
    place(path, tree).parent.mkdir(parents=True)
    place(path, tree).symlink_to(victim)
    before = victim.read_bytes()
    with pytest.raises(AccessError, match="link into another folder"):
        run(path, tree)
    assert victim.read_bytes() == before


def test_a_tree_that_holds_the_photos_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path)
    before = listing(tmp_path)
    for tree in (tmp_path, path.parent, Path("/")):
        with pytest.raises(AccessError, match="the photo lies in the sidecar directory"):
            run(path, tree)
    assert listing(tmp_path) == before


def test_a_tree_whose_disk_is_not_there_is_not_made_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(AccessError):
        run(made(tmp_path), tmp_path / "not" / "mounted")
    assert not (tmp_path / "not").exists()


def test_an_interrupted_write_of_a_large_video_is_not_mended_there(tmp_path: Path, tree: Path) -> None:
    path = made(tmp_path)
    with path.open("ab") as stream:
        stream.truncate(33 << 20)
    journal = path.with_name(journal_name(path.name))
    journal.write_bytes(b"what a killed run left")
    before = listing(tmp_path / "library")
    run(path, tree)
    assert listing(tmp_path / "library") == before
    plan(path, WANTED, BUILTIN)
    assert not journal.exists()  # elsewhere it is


def test_it_is_taken_back_and_its_marks_tell_who_wrote(tmp_path: Path, tree: Path) -> None:
    path = made(tmp_path)
    kept: list[Undo] = []
    seen = [marks(str(path), str(tree))]
    plan(path, WANTED, options(tree)).apply(lambda part, undo: kept.append(undo))
    seen.append(marks(str(path), str(tree)))
    place(path, tree).write_bytes(place(path, tree).read_bytes() + b"\n")
    seen.append(marks(str(path), str(tree)))
    assert len(set(seen)) == 3
    place(path, tree).write_bytes(place(path, tree).read_bytes()[:-1])
    assert [undo.path for undo in kept] == [str(place(path, tree))]
    revert(kept[0])
    assert not place(path, tree).exists()


def test_where_a_plan_writes_is_known_before_there_is_one(tmp_path: Path, tree: Path) -> None:
    path = made(tmp_path)
    assert written_in(str(path), BUILTIN) == str(path.parent)
    assert written_in(str(path), options(tree)) == str(place(path, tree).parent)
    assert mirrored(str(path), str(tree)).path == str(place(path, tree))
