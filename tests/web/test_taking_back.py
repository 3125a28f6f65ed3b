"""Taking back from the page: first what would be, then the deed; what somebody changed since stays and is named."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from immich_meta.demo.server import DemoServer
from immich_meta.state.lock import take
from immich_meta.web.runs.folders import RunFolder
from tests.cli.home import Home, snapshot, wait_until
from tests.cli.test_sync_households import Household
from tests.web.past import kept_run, numbers, page_run, words
from tests.web.visitor import Site, Visitor, ended, started


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def begun(site: Site, visitor: Visitor, address: str, page: str, **fields: str) -> RunFolder:
    """What a button of a page began, when it has ended."""
    answer = visitor.post(address, fields, form=page)
    assert answer.status_code == 303, words(answer.text)
    folder = site.parts.undoing.folders.get(answer.headers["Location"].rsplit("/", 1)[1])
    assert folder is not None
    wait_until(lambda: folder.result() is not None and site.parts.undoing.active() is None, 60)
    return folder


def test_a_run_goes_back_byte_for_byte_after_a_look_and_a_changed_file_stays(site: Site) -> None:
    paths = site.home.fill(3)
    before, clean = {path: digest(path) for path in paths}, snapshot(site.home.photos)
    run = page_run(site, "--people", "--rating")
    assert all(digest(path) != before[path] for path in paths)
    with paths[1].open("ab") as photo:
        photo.write(b"by somebody else")
    changed, written = digest(paths[1]), snapshot(site.home.photos)
    visitor, page = site.visitor(), f"/runs/{run.id}"

    look = begun(site, visitor, f"{page}/undo", page)
    assert snapshot(site.home.photos) == written, "a look writes nothing"
    shown = visitor.get(f"/undo/{look.id}")
    assert "Files that would go back: 2" in words(shown.text)
    assert "left as they are: 1" in words(shown.text)
    assert "before: Ada" in words(shown.text)
    left = visitor.get(f"/undo/{look.id}?status=changed").text
    assert paths[1].name in left
    assert paths[0].name not in left

    undo = begun(site, visitor, f"/undo/{look.id}/go", f"/undo/{look.id}")
    assert [digest(path) for path in paths] == [before[paths[0]], changed, before[paths[2]]]
    after = snapshot(site.home.photos)
    assert after[str(paths[0])] == clean[str(paths[0])], "its date is the old one, too"
    shown = visitor.get(f"/undo/{undo.id}")
    assert "Files taken back: 2" in words(shown.text)
    assert "Changed since, left alone" in words(shown.text)
    listed = words(visitor.get(page).text)
    assert "Taken back in part" in listed
    assert "2 of 3 files" in listed
    (number,) = numbers(visitor.get(f"{page}?text={paths[0].name}").text)
    assert "Taken back" in words(visitor.get(f"{page}/files/{number}").text)


def test_one_file_goes_back_and_the_others_stay(site: Site) -> None:
    paths = site.home.fill(2)
    before = [digest(path) for path in paths]
    run = kept_run(site, "--people")
    after = digest(paths[0])
    visitor = site.visitor()
    (number,) = numbers(visitor.get(f"/runs/{run}?text={paths[1].name}").text)
    page = f"/runs/{run}/files/{number}"
    look = begun(site, visitor, f"/runs/{run}/undo", page, number=str(number))
    assert json.loads(look.report.read_text())["path"] == str(paths[1])
    begun(site, visitor, f"/undo/{look.id}/go", f"/undo/{look.id}")
    assert [digest(path) for path in paths] == [after, before[1]]
    assert "Take this back" not in words(visitor.get(page).text)
    assert visitor.post(f"/runs/{run}/undo", {"number": str(number)}, form=f"/runs/{run}").status_code == 404


def test_while_a_run_is_under_way_nothing_goes_back_and_it_is_said_why(site: Site) -> None:
    (path,) = site.home.fill(1)
    run = kept_run(site, "--people")
    after = digest(path)
    visitor, page = site.visitor(), f"/runs/{run}"
    look = begun(site, visitor, f"{page}/undo", page)
    (store,) = site.parts.config.state_dir.glob("*.sqlite")
    lock = take(store.with_suffix(".lock"), "sync", 1e9)
    try:
        undo = begun(site, visitor, f"/undo/{look.id}/go", f"/undo/{look.id}")
    finally:
        lock.close()
    shown = words(visitor.get(f"/undo/{undo.id}").text)
    assert "This could not be taken back" in shown
    assert "wait until it has ended" in shown
    assert digest(path) == after


def test_what_cannot_be_taken_back_is_not_begun(site: Site) -> None:
    site.home.fill(1)
    dry = page_run(site, "--dry-run")
    visitor = site.visitor()
    assert visitor.post(f"/runs/{dry.id}/undo", form=f"/runs/{dry.id}").status_code == 409
    run = kept_run(site, "--people")
    for number in ("0", "2", "9" * 17):
        assert visitor.post(f"/runs/{run}/undo", {"number": number}, form=f"/runs/{run}").status_code == 404
    for number in ("x", "-1", "9" * 30):
        assert visitor.post(f"/runs/{run}/undo", {"number": number}, form=f"/runs/{run}").status_code == 400
    assert visitor.client.post(f"/runs/{run}/undo").status_code == 400, "without the token of a form"
    assert site.parts.undoing.folders.all() == ()


def test_a_look_that_was_killed_is_not_acted_upon(site: Site) -> None:
    site.home.fill(1)
    run = kept_run(site, "--people")
    folder = site.parts.undoing.folders.create({"runs": [run], "shown_as": run, "writes": None, "dry_run": True})
    folder.lock.touch()
    visitor = site.visitor()
    assert "Stopped before the end" in visitor.get(f"/undo/{folder.id}").text
    assert visitor.post(f"/undo/{folder.id}/go").status_code == 409


def test_what_a_household_wrote_in_one_run_goes_back_as_one(site: Site, home: Home, server: DemoServer) -> None:
    house = Household(home, server)
    house.add("anna", "anna/a.jpg", people=["Ada"])
    bens = house.add("ben", "ben/b.jpg", people=["Ben"])
    before = snapshot(home.photos)
    family = Site(home)
    try:
        visitor = family.visitor()
        run = started(family, visitor, people="1")
        assert len(ended(run)["runs"]) == 2
        assert visitor.get("/runs").text.count('class="card run-row"') == 1
        assert visitor.get(f"/pictures/{bens.id}/thumbnail").status_code == 200
        look = begun(family, visitor, f"/runs/{run.id}/undo", f"/runs/{run.id}")
        assert "Files that would go back: 2" in words(visitor.get(f"/undo/{look.id}").text)
        begun(family, visitor, f"/undo/{look.id}/go", f"/undo/{look.id}")
        assert snapshot(home.photos) == before
        assert "Taken back" in words(visitor.get("/runs").text)
    finally:
        family.close()
