"""Past runs on the page: those of the page and of the command line, their files, what changed, what is saved."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path

import pytest

from immich_meta.web.runs.folders import replace_object
from tests.cli.home import Home, wait_until
from tests.web.past import changed, kept_run, numbers, page_run, told, with_report, words
from tests.web.visitor import Site, ended, started

XSS = "<img src=x onerror=alert(1)>"


def test_without_runs_it_says_so_and_how_to_begin(site: Site) -> None:
    page = site.visitor().get("/runs")
    assert page.status_code == 200
    assert "There has been no run yet" in page.text
    assert 'href="/sync"' in page.text


def test_runs_of_the_page_and_of_the_command_line_stand_together(site: Site) -> None:
    site.home.fill(2)
    kept = kept_run(site, "--people")
    own = page_run(site, "--dry-run")
    page = site.visitor().get("/runs").text
    assert f"/runs/{kept}" in page
    assert f"/runs/{own.id}" in page
    assert "from the command line" in page
    assert "from this page" in page


def test_a_run_that_the_page_started_is_listed_once_and_shows_what_changed(site: Site) -> None:
    path, _ = site.home.add("2024/a.jpg", people=["Łukasz"], rating=4)
    visitor = site.visitor()
    folder = started(site, visitor, people="1", rating="1")
    result = ended(folder)
    wait_until(lambda: not site.parts.control.state(folder).is_active)
    assert visitor.get("/runs").text.count("Done") == 1
    shown = visitor.get(f"/runs/{folder.id}")
    assert shown.status_code == 200
    assert "+ Łukasz" in words(shown.text).replace("after: ", "+ ")
    assert path.name in shown.text
    moved = visitor.get(f"/runs/{result['run']}")
    assert (moved.status_code, moved.headers["Location"]) == (302, f"/runs/{folder.id}")


def test_files_are_filtered_by_status_tag_and_path_and_paged(site: Site) -> None:
    report = "".join(
        told(
            f"/photos/{number // 60}/IMG_{number:03}.jpg",
            "failed" if number == 7 else "updated" if number % 2 else "unchanged",
            changes=[changed("IFD0:Rating", None, number)] if number % 4 == 1 else [],
        )
        for number in range(120)
    )
    address = f"/runs/{with_report(site, report).id}"
    visitor = site.visitor()
    assert len(numbers(visitor.get(address).text)) == 50  # what matters, first
    assert 1 not in numbers(visitor.get(address).text)
    assert numbers(visitor.get(f"{address}?status=&page=3").text) == list(range(101, 121))
    assert numbers(visitor.get(f"{address}?status=&page=999999999999").text) == list(range(1, 51))
    assert numbers(visitor.get(f"{address}?status=failed").text) == [8]
    assert numbers(visitor.get(f"{address}?tag=IFD0:Rating&text=img_00").text) == [2, 6, 10]
    assert numbers(visitor.get(f"{address}?status=no&tag=no&text=%00%F0").text) == []
    second = visitor.get(f"{address}?status=updated&text=photos&page=2").text
    assert "status=updated" in second.partition('class="pager"')[2]
    assert "Page 2 of 2" in words(second)


def test_a_file_has_all_its_tags_what_was_kept_and_what_was_left_out(site: Site) -> None:
    line = told(
        "/photos/a.jpg",
        changes=[changed("XMP-dc:Subject", ["Ada", "Sea"], ["Ada", "Eve"]), changed("IFD0:Rating", None, 4)],
        kept=[{"tag": "IFD0:ImageDescription", "value": "CAMERA", "reason": "it is not ours"}],
        skipped=[{"tag": "IPTC:Keywords", "reason": "no place for it"}],
        notes=["a date was moved"],
        sidecar="/photos/a.jpg.xmp",
    )
    page = words(site.visitor().get(f"/runs/{with_report(site, line).id}/files/1").text)
    for expected in ("before: Sea", "after: Eve", "1 unchanged", "after: 4", "CAMERA", "it is not ours"):
        assert expected in page
    for expected in ("no place for it", "a date was moved", "a.jpg.xmp"):
        assert expected in page


def test_a_list_tells_one_tag_of_each_kind_and_calls_keywords_what_may_be_any(site: Site) -> None:
    names = ("XMP-iptcExt:PersonInImage", "XMP-dc:Subject", "IPTC:Keywords", "IFD0:Rating", "XMP-xmp:Rating")
    own = ("XMP-immichmeta:Added", "System:FileModifyDate")
    report = told("/a.jpg", changes=[changed(name, None, name) for name in (*names, *own)])
    report += told("/b.jpg", changes=[changed(name, None, name) for name in names[1:3]])
    page = words(site.visitor().get(f"/runs/{with_report(site, report).id}").text)
    first, _, second = page.partition("b.jpg")
    assert "people after: XMP-iptcExt:PersonInImage" in first
    assert "stars after: IFD0:Rating" in first
    assert first.count("after: ") == 2
    assert "Tags that change: 7" in first
    assert "keywords after: XMP-dc:Subject" in second
    assert "people after" not in second


def test_a_file_has_the_history_of_its_writes_over_all_runs(site: Site) -> None:
    site.home.add("a.jpg", people=["Ada"], rating=4)
    first = kept_run(site, "--people")
    own = page_run(site, "--rating")
    page = site.visitor().get(f"/runs/{own.id}/files/1").text
    history = page.partition("What was written to this file")[2]
    assert f"/runs/{first}" in history
    assert f"/runs/{own.id}" in history
    assert "this run" in history


def test_a_run_of_the_command_line_shows_its_files_out_of_what_is_kept(site: Site) -> None:
    site.home.fill(3)
    kept = kept_run(site, "--people")
    visitor = site.visitor()
    page = visitor.get(f"/runs/{kept}").text
    assert numbers(page) == [1, 2, 3]
    assert len(numbers(visitor.get(f"/runs/{kept}?text=img_0002").text)) == 1
    assert "after: Ada" in words(visitor.get(f"/runs/{kept}/files/2").text)


def test_hostile_texts_are_shown_as_texts(site: Site) -> None:
    evil = f'{XSS}\u202e"\ud800\x00'
    line = told(
        f"/photos/{evil}.jpg",
        evil,
        changes=[changed(evil, evil, [evil] * 600), changed("XMP-dc:Description", None, "long\n" * 9000)],
        kept=[{"tag": evil, "value": evil, "reason": evil}],
        skipped=[{"tag": evil, "reason": evil}],
        notes=[evil],
        asset_id=evil,
        sidecar=f"/photos/{evil}.xmp",
        error={"kind": "x", "message": evil},
    )
    run = with_report(site, line, modules=[evil], arguments=[evil], asked=evil)
    visitor = site.visitor()
    for address in ("/runs", f"/runs/{run.id}", f"/runs/{run.id}?status=", f"/runs/{run.id}/files/1"):
        for language in ("en", "de"):
            page = visitor.get(f"{address}{'&' if '?' in address else '?'}lang={language}")
            assert page.status_code == 200, address
            assert "<img src=x" not in page.text
            assert "\u202e" not in words(page.text)
            assert len(page.data) < 500_000
    assert "\\u202e" in page.text
    assert visitor.get(f"/runs/{run.id}?text={XSS}&tag={XSS}&status={XSS}").text.count("<img src=x") == 0


def test_names_of_albums_and_people_cannot_write_into_the_page(site: Site) -> None:
    site.home.add("a.jpg", people=[XSS], albums=[XSS], tags=[XSS], description=XSS)
    run = page_run(site)
    visitor = site.visitor()
    for address in (f"/runs/{run.id}", f"/runs/{run.id}/files/1", f"/runs/{run.id}?tag={XSS}"):
        page = visitor.get(address).text
        assert "<img src=x" not in page
    assert XSS in words(visitor.get(f"/runs/{run.id}").text)


@pytest.mark.parametrize(
    "run",
    ["x", "..", "%2e%2e", "..%2f..%2fetc", "20261130-000000-00000000", "a" * 3000, "%00", "\u202e", "-%0d%0aX:%20y"],
)
def test_forged_runs_are_not_there(site: Site, run: str) -> None:
    visitor = site.visitor()
    for address in (f"/runs/{run}", f"/runs/{run}/files/1", f"/runs/{run}/export.csv", f"/undo/{run}"):
        answer = visitor.get(address)
        assert answer.status_code == 404, address
        assert "X" not in answer.headers
    assert visitor.post(f"/runs/{run}/undo").status_code == 404


def test_forged_numbers_and_forms_are_not_there(site: Site) -> None:
    run = with_report(site, told("/a.jpg"))
    visitor = site.visitor()
    for number in ("0", "2", "-1", "x", "9" * 30, "1/../2", "1%00"):
        assert visitor.get(f"/runs/{run.id}/files/{number}").status_code == 404, number
    assert visitor.get(f"/runs/{run.id}/export.exe").status_code == 404


def test_everything_needs_a_login(site: Site) -> None:
    run = with_report(site, told("/a.jpg"))
    stranger = site.visitor(logged_in=False)
    for address in ("/runs", f"/runs/{run.id}", f"/runs/{run.id}/files/1", f"/runs/{run.id}/export.csv"):
        assert stranger.get(address).status_code == 302, address


def test_what_is_wanted_can_be_saved_as_csv_and_json(site: Site) -> None:
    report = told("/a.jpg", changes=[changed("IFD0:Rating", None, 4), changed("XMP-dc:Subject", None, ["=1", "b"])])
    report += told("/b.jpg", "failed", error={"kind": "x", "message": "+bad"}) + told("/c.jpg", "unchanged")
    run = with_report(site, report)
    visitor = site.visitor()
    answer = visitor.get(f"/runs/{run.id}/export.csv?status=")
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="immich-meta-{run.id}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [(row["path"], row["tag"], row["new"]) for row in rows] == [
        ("/a.jpg", "IFD0:Rating", "4"),
        ("/a.jpg", "XMP-dc:Subject", "'=1; b"),
        ("/b.jpg", "", ""),
        ("/c.jpg", "", ""),
    ]
    assert rows[2]["reason"] == "'+bad"
    found = visitor.get(f"/runs/{run.id}/export.json?status=failed").json
    assert found is not None
    assert [each["path"] for each in found] == ["/b.jpg"]


def test_a_run_of_the_command_line_can_be_saved(site: Site) -> None:
    site.home.fill(2)
    kept = kept_run(site, "--people")
    found = site.visitor().get(f"/runs/{kept}/export.json?status=").json
    assert found is not None
    assert sorted(Path(each["path"]).name for each in found) == ["IMG_0000.jpg", "IMG_0001.jpg"]


def test_a_run_that_was_killed_is_interrupted_and_its_files_so_far_are_shown(site: Site) -> None:
    folder = site.parts.folders.create({"arguments": [], "modules": [], "asked": 1e9})
    folder.lock.touch()
    folder.report.write_text(told("/a.jpg") + told("/b.jpg")[:20])
    page = site.visitor().get(f"/runs/{folder.id}").text
    assert "Interrupted" in page
    assert numbers(page) == [1]


def test_where_nothing_can_be_kept_of_a_run_it_is_said_what_is_wrong_and_where(site: Site) -> None:
    folder = with_report(site, told("/a.jpg"))
    (folder.path / "files.index").mkdir()  # as a disk that is full, or may only be read
    visitor = site.visitor()
    for language, words_ in (("en", "Please see that there is room"), ("de", "ob dort Platz ist")):
        answer = visitor.get(f"/runs/{folder.id}?lang={language}")
        assert answer.status_code == 500
        assert str(site.parts.config.state_dir) in answer.text
        assert words_ in words(answer.text)


def test_an_error_of_a_run_is_shown_with_its_cure(site: Site) -> None:
    folder = with_report(site, "")
    error = {"kind": "x", "message": f"no answer {XSS}", "cure": "look at the cable"}
    replace_object(folder.path / "result.json", {"exit_code": 3, "runs": [], "error": error})
    page = site.visitor().get(f"/runs/{folder.id}").text
    assert "Broke off" in page
    assert "look at the cable" in page
    assert "<img" not in page


@pytest.mark.slow
def test_a_report_of_a_hundred_thousand_files_keeps_nobody_waiting(site: Site) -> None:
    lines = (
        told(f"/photos/{number % 12}/IMG_{number:06}.jpg", "unchanged" if number % 50 else "updated")
        for number in range(100_000)
    )
    run = with_report(site, "".join(lines))
    visitor = site.visitor()
    longest, looks = 0.0, 0
    while True:
        began = time.perf_counter()
        page = visitor.get(f"/runs/{run.id}").text
        longest, looks = max(longest, time.perf_counter() - began), looks + 1
        if "The report is being read" not in page:
            break
    assert looks > 2
    for query in ("?status=&page=1999", "?text=img_0999", "?status=updated&text=/11/&page=2"):
        began = time.perf_counter()
        assert visitor.get(f"/runs/{run.id}{query}").status_code == 200
        longest = max(longest, time.perf_counter() - began)
    assert longest < 1.5  # 0.15 s on an idle machine
    assert len(json.loads(visitor.get(f"/runs/{run.id}/export.json?status=updated").data)) == 2000


def test_what_is_remembered_of_an_old_run_does_not_stay_behind(site: Site, home: Home) -> None:
    home.fill(1)
    kept = kept_run(site, "--people")
    folder = site.parts.config.state_dir / "web" / "kept"
    folder.mkdir(parents=True)
    (folder / "1999-01-01T00-00-00.index").touch()
    assert site.visitor().get(f"/runs/{kept}").status_code == 200
    assert [path.name for path in folder.iterdir()] == [f"{kept}.index"]
