"""The files of a run are found page by page, however long its report is and whatever is in it."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from immich_meta.web.report import NOTABLE, FileEntry, Files, ReportFile, Wanted, open_files
from immich_meta.web.report.entry import entry_of
from immich_meta.web.report.export import as_csv, as_json
from immich_meta.web.report.files import LONGEST_LISTED
from immich_meta.web.report.report_file import LONGEST_LINE

HOSTILE = '<img src=x onerror=alert(1)>\u202e\ud800"\x00'


def line(path: str, status: str = "updated", *tags: str, **fields: Any) -> str:
    changes = [{"tag": tag, "old": None, "new": ["Ada", "Łukasz"]} for tag in tags]
    row = {"path": path, "status": status, "changes": changes, "kept": [], "skipped": [], "sidecar": None}
    return json.dumps({**row, "asset_id": None, "error": None, "notes": [], **fields}) + "\n"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.jsonl"
    path.write_text(
        line("/photos/2023/Straße.jpg", "updated", "IFD0:Rating", "XMP-dc:Subject")
        + line("/photos/2024/a.jpg", "unchanged")
        + line("/photos/2024/b.jpg", "failed", error={"kind": "damaged", "message": "cut off"})
        + line("/photos/2024/c.jpg", "updated", "XMP-dc:Subject")
    )
    return path


def opened(report: Path) -> Any:
    return open_files(report.with_suffix(".index"), ReportFile(report))


@pytest.fixture
def files(report: Path) -> Iterator[Files]:
    with opened(report) as files:
        files.look(None)
        yield files


def names(files: Files, *wanted: str) -> list[str]:
    return [each.entry.path.rpartition("/")[2] for each in files.page(Wanted(*wanted)).files]


def test_files_are_found_by_status_tag_and_a_part_of_their_path(files: Files) -> None:
    assert names(files) == ["Straße.jpg", "a.jpg", "b.jpg", "c.jpg"]
    assert names(files, "failed") == ["b.jpg"]
    assert names(files, NOTABLE) == ["Straße.jpg", "b.jpg", "c.jpg"]
    assert names(files, "", "XMP-dc:Subject") == ["Straße.jpg", "c.jpg"]
    assert names(files, "", "", "STRASSE") == ["Straße.jpg"]
    assert names(files, "", "", "strasse.JPG") == ["Straße.jpg"]
    assert names(files, "updated", "XMP-dc:Subject", "2024") == ["c.jpg"]
    assert names(files, "no such status") == names(files, "", "no such tag") == names(files, "", "", "%") == []


def test_the_overview_counts_each_status_and_each_tag(files: Files) -> None:
    overview = files.look()
    assert files.is_complete
    assert (overview.files, overview.notable) == (4, 3)
    assert overview.by_status == {"updated": 2, "failed": 1, "unchanged": 1}
    assert overview.by_tag == {"IFD0:Rating": 1, "XMP-dc:Subject": 2}


def test_pages_hold_each_file_once_and_a_page_too_far_is_the_last_one(files: Files) -> None:
    pages = [files.page(Wanted(), number, per_page=3) for number in (1, 2, 99, -1)]
    assert [[each.number for each in page.files] for page in pages] == [[1, 2, 3], [4], [4], [1, 2, 3]]
    assert [(page.number, page.pages, page.found) for page in pages[:3]] == [(1, 2, 4), (2, 2, 4), (2, 2, 4)]


def test_one_file_is_read_by_its_number(files: Files) -> None:
    entry = files.one(3)
    assert isinstance(entry, FileEntry)
    assert (entry.status, entry.message) == ("failed", "cut off")
    assert files.one(5) is None
    assert files.one(0) is None


def test_a_growing_report_is_read_on_where_it_was_left(report: Path) -> None:
    with opened(report) as files:
        assert files.look().files == 4
    with report.open("a") as stream:
        stream.write(line("/photos/d.jpg", "updated", "IFD0:Rating") + line("/photos/e.jpg")[:-20])
    with opened(report) as files:
        overview = files.look()
        assert (overview.files, overview.by_tag["IFD0:Rating"], files.is_complete) == (5, 2, True)
    with report.open("a") as stream:
        stream.write(line("/photos/e.jpg")[-20:])
    with opened(report) as files:
        assert files.look().files == 6
        assert names(files)[-1] == "e.jpg"


def test_a_report_that_was_replaced_is_read_afresh(report: Path) -> None:
    with opened(report) as files:
        files.look()
    report.write_text(line("/photos/other.jpg"))
    with opened(report) as files:
        assert files.look().by_status == {"updated": 1}
        assert names(files) == ["other.jpg"]


def test_a_damaged_index_is_made_again(report: Path) -> None:
    report.with_suffix(".index").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with opened(report) as files:
        assert files.look().files == 4
    report.with_suffix(".index").write_bytes(b"no database at all")
    with opened(report) as files:
        assert files.look().files == 4


def test_a_report_that_is_not_there_yet_has_no_files(tmp_path: Path) -> None:
    with opened(tmp_path / "report.jsonl") as files:
        assert files.look().files == 0
        assert files.page(Wanted()).files == ()


def test_hostile_lines_cost_only_themselves(report: Path) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    lines = [
        "no JSON",
        "null",
        "[]",
        "{}",
        deep,
        '{"path": 1, "status": []}',
        '{"path": "/a", "status": "updated", "changes": [1, {"tag": 2, "old": {"a": [1]}, "new": [[], "b"]}]}',
        '{"path": "/n", "status": "updated", "changes": {"tag": "x"}, "error": [], "kept": null}',
        '{"path": "/i", "status": "updated", "changes": [{"tag": "x", "new": ' + "9" * 10_000 + "}]}",
        line(HOSTILE, HOSTILE, HOSTILE).rstrip(),
        "x" * (LONGEST_LINE + 5),
    ]
    with report.open("a", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n" + line("/last.jpg"))
    with report.open("ab") as stream:
        stream.write(b"\xff\xfe\x00\n")
    with opened(report) as files:
        overview = files.look(None)
        assert (overview.files, files.is_complete) == (4 + len(lines) + 2, True)
        found = files.page(Wanted())
        assert found.files[-2].entry.path == "/last.jpg"
        assert {each.entry.status for each in found.files} >= {"unreadable", "updated", HOSTILE}
        assert files.page(Wanted(text=HOSTILE)).found == 1
        assert files.page(Wanted(tag=HOSTILE)).found == 1
        "".join([*as_csv(files.all(Wanted())), *as_json(files.all(Wanted()))]).encode("utf-8")


def test_a_spreadsheet_calculates_nothing_of_an_export() -> None:
    report = line("=1+1", "updated", "+tag")
    changes = [{"tag": "t", "old": -3.5, "new": "-3"}]
    report += line("/a", notes=["-x", " =x", "\t=x", "@x", "＝x", "plain"], changes=changes)
    entries = [entry_of(each.encode()) for each in report.splitlines()]
    text = "".join(as_csv(entries))
    assert text[0] == "\ufeff"
    rows = list(csv.DictReader(io.StringIO(text[1:])))
    assert [(row["path"], row["tag"]) for row in rows[:1]] == [("'=1+1", "'+tag")]
    assert rows[0]["new"] == "Ada; Łukasz"
    assert [row["reason"] for row in rows if row["what"] == "note"] == ["'-x", "' =x", "'\t'=x", "'@x", "'＝x", "plain"]
    changed = next(row for row in rows if row["tag"] == "t")
    assert (changed["old"], changed["new"]) == ("-3.5", "'-3")


def test_a_spreadsheet_that_separates_by_semicolons_calculates_nothing_either() -> None:
    names = ["/a;=1+1", '/a;"=1', "/a\n@x", "/a\t=1", "/a;; +1"]
    report = "".join(line(name, changes=[{"tag": "t", "old": None, "new": ["Ada", "=1", "b"]}]) for name in names)
    text = "".join(as_csv(entry_of(each.encode()) for each in report.splitlines()))
    rows = list(csv.DictReader(io.StringIO(text[1:])))
    assert [row["path"] for row in rows] == ["/a;'=1+1", "/a;'\"=1", "/a\n'@x", "/a\t'=1", "/a;;' +1"]
    assert {row["new"] for row in rows} == {"Ada;' =1; b"}


def test_the_json_export_says_what_the_report_says(files: Files) -> None:
    found = json.loads("".join(as_json(files.all(Wanted(status=NOTABLE)))))
    assert [each["path"] for each in found] == ["/photos/2023/Straße.jpg", "/photos/2024/b.jpg", "/photos/2024/c.jpg"]
    assert found[0]["changes"][0] == {"tag": "IFD0:Rating", "old": None, "new": ["Ada", "Łukasz"]}
    assert json.loads("".join(as_json([]))) == []


def test_huge_lines_are_read_one_at_a_time_and_shown_on_their_own_page_only(report: Path) -> None:
    changes = [{"tag": "XMP-dc:Subject", "old": None, "new": ["keyword"] * (LONGEST_LISTED // 10)}]
    report.write_text(3 * line("/photos/huge.jpg", changes=changes))
    with opened(report) as files:
        assert files.look(0.0).files == 1
        assert files.look(None).files == 3
        (first, *_) = files.page(Wanted()).files
        assert (first.entry.path, first.entry.status, first.entry.changes) == ("/photos/huge.jpg", "updated", ())
        assert "page of its own" in first.entry.notes[0]
        entry = files.one(first.number)
    assert entry is not None
    assert len(entry.changes) == 1


def test_two_readers_at_once_take_each_line_in_once(report: Path) -> None:
    with report.open("a") as stream:
        stream.writelines(line(f"/photos/{number}.jpg", "updated", "IFD0:Rating") for number in range(3000))

    def read() -> None:
        with opened(report) as files:
            while not files.is_complete:
                files.look(0.005)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    with opened(report) as files:
        assert files.look().by_tag["IFD0:Rating"] == 3001


@pytest.mark.slow
def test_a_hundred_thousand_lines_never_keep_anybody_waiting(tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    with report.open("w") as stream:
        stream.writelines(
            line(f"/photos/{number % 12}/IMG_{number:06}.jpg", "updated" if number % 10 == 0 else "unchanged", *tags)
            for number in range(100_000)
            for tags in [("IFD0:Rating", "XMP-dc:Subject") if number % 10 == 0 else ()]
        )
    longest, looks, read = 0.0, 0, 0
    while read < 100_000:
        started = time.perf_counter()
        with opened(report) as files:
            read = files.look().files
            files.page(Wanted(NOTABLE))
        longest = max(longest, time.perf_counter() - started)
        looks += 1
    assert looks > 1, "it was read in one go: nobody would notice when that blocks"
    for wanted in (Wanted(), Wanted(NOTABLE, "IFD0:Rating", "img_09"), Wanted(text="/11/"), Wanted("unchanged")):
        for number in (1, 10**6):
            started = time.perf_counter()
            with opened(report) as files:
                files.look()
                assert files.page(wanted, number).files
            longest = max(longest, time.perf_counter() - started)
    assert longest < 1.0  # 0.12 s on an idle machine
