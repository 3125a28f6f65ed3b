"""Files that go, change or move while a run is under way: nothing is lost, nothing is half, the next run says the rest.

Not here: one write that finds its file changed (tests/writers/commit/test_refusals.py).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, Optional

from immich_meta.demo.api import Call, Reply
from tests.faults.library import ROOT, SYNC, Mixed, pixels, snapshot
from tests.faults.test_killed_at_random import settle
from tests.faults.zygote import Zygote


def test_files_that_go_or_change_between_look_and_write_are_left_as_somebody_made_them(
    zygote: Zygote, small: Mixed
) -> None:
    wish = small.wish(1)
    ended = zygote.run(SYNC, small.environ, small.directory, prepare="tests.faults.prepared:disturbed")
    assert ended.code == 1
    sums = ended.sums()
    assert (sums["total"], sums["missing"]) == (len(small.assets), 0), ended.said
    disturbed = [path for path in small.assets if path.name[4:5] in tuple("012345")]
    assert sums["failed"] == len(disturbed) > 12, ended.said
    for path in disturbed:
        old, kind = small.first[str(path)].content, path.name[4]
        if kind == "0":
            assert not path.exists()
        elif kind == "1":
            assert path.read_bytes() == old + b"a trailer of somebody else"
        elif kind == "2":
            assert not path.exists()
            assert Path(f"{path}.moved").read_bytes() == old
        elif kind == "5":
            assert path.is_dir()
        else:
            assert path.read_bytes() == old
    rest = [path for path in small.assets if path not in disturbed and path.suffix != ".raf"]
    assert all(wish.is_said(small._said(path, path)) for path in rest)
    assert not [name for name in small.strays() if ".immich-meta" in name]


class Template:
    """Immich's storage template: at each page that is asked for, it moves some originals, sidecars and all."""

    def __init__(self, mixed: Mixed, which: Callable[[int], slice]) -> None:
        self._mixed, self._which = mixed, which
        self._plain = mixed.server.api.answer
        self.moved: dict[Path, Path] = {}
        mixed.server.api.answer = self.answer  # type: ignore[method-assign]

    def answer(self, call: Call, key: Optional[str]) -> Reply:
        page = int(str(call.body.get("page", 1)))
        is_listing = call.path == "/search/metadata" and "albumIds" not in call.body
        reply = self._plain(call, key)
        if is_listing and page > 1:
            for path in list(self._mixed.assets)[self._which(page)]:
                self._move(path)
        return reply

    def _move(self, path: Path) -> None:
        if path in self.moved.values() or not path.exists():
            return
        target = self._mixed.photos / "moved" / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if Path(f"{path}.xmp").exists():
            os.rename(f"{path}.xmp", f"{target}.xmp")
        os.rename(path, target)
        self.moved[path] = target
        asset = self._mixed.assets[path]
        asset.original_path = f"{ROOT}/{target.relative_to(self._mixed.photos)}"


def test_a_storage_template_that_moves_files_during_the_run_costs_no_file(zygote: Zygote, small: Mixed) -> None:
    """Of pages of 4: files of pages that were listed, that are in hand, and that come only later."""
    looks = {path: pixels(path) for path in small.assets}
    small.wish(1)
    template = Template(small, lambda page: slice(4 * page - 6, 4 * page + 2, 2))
    environ = {**small.environ, "IMMICH_SEARCH_PAGE_SIZE": "4"}
    ended = zygote.run(SYNC[:2], environ, small.directory)
    sums = ended.sums()
    assert sums["total"] >= len(small.assets) - 1, ended.said
    assert sums["updated"], ended.said
    assert template.moved
    for path, target in template.moved.items():
        assert pixels(target) == looks[path]
        assert not path.exists(), f"{path} came back from where it was moved"
        small.assets = {target if each == path else each: asset for each, asset in small.assets.items()}
        small._pixels[target], small.first[str(target)] = looks[path], small.first[str(path)]
    settle(zygote, small, small.wish(2))


def test_files_that_move_after_the_run_can_still_not_be_taken_back_by_mistake(zygote: Zygote, small: Mixed) -> None:
    small.wish(1)
    ended = zygote.run(SYNC, small.environ, small.directory)
    run_id = ended.said.partition("undo --run ")[2].split()[0]
    written = snapshot(small.photos)
    path = next(iter(small.assets))
    os.rename(path, f"{path}.moved")
    taken = zygote.run(["undo", "--last"], small.environ, small.directory)
    assert taken.code == 1, taken.said
    assert "not there any more" in taken.said
    assert Path(f"{path}.moved").read_bytes() == written[str(path)].content
    os.rename(f"{path}.moved", path)
    taken = zygote.run(["undo", "--run", run_id], small.environ, small.directory)
    assert taken.code == 0, taken.said
    assert snapshot(small.photos) == small.first
