"""Report lines for machines and for people."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.errors import PathsError
from immich_meta.sync.report import (
    Failure,
    ReportWriter,
    Result,
    Status,
    Value,
    render,
    render_change,
    to_json,
)


@dataclass(frozen=True)
class Change:
    tag: str
    old: Value
    new: Value


@dataclass(frozen=True)
class Kept:
    tag: str
    value: Value
    reason: str


@dataclass(frozen=True)
class Skipped:
    tag: str
    reason: str


RESULT = Result(
    "/photos/Zoë.jpg",
    Status.SIMULATED,
    changes=(Change("XMP-dc:Subject", ("Bob",), ("Bob", "Zoë")), Change("IFD0:Rating", None, 4)),
    kept=(Kept("XMP-xmp:Label", "Red", "a foreign label"),),
    skipped=(Skipped("IPTC:Keywords", "this file has no place for IPTC"),),
    sidecar="/photos/Zoë.jpg.xmp",
    asset_id="a1",
)


def test_a_report_line_has_the_documented_fields() -> None:
    assert json.loads(to_json(RESULT)) == {
        "path": "/photos/Zoë.jpg",
        "status": "simulated",
        "changes": [
            {"tag": "XMP-dc:Subject", "old": ["Bob"], "new": ["Bob", "Zoë"]},
            {"tag": "IFD0:Rating", "old": None, "new": 4},
        ],
        "kept": [{"tag": "XMP-xmp:Label", "value": "Red", "reason": "a foreign label"}],
        "skipped": [{"tag": "IPTC:Keywords", "reason": "this file has no place for IPTC"}],
        "sidecar": "/photos/Zoë.jpg.xmp",
        "asset_id": "a1",
        "error": None,
        "notes": [],
    }


def test_a_failure_is_told_by_kind_and_message() -> None:
    found = json.loads(to_json(Result("/x", Status.FAILED, error=Failure("truncated", "it ends too early"))))
    assert (found["status"], found["error"]) == (
        "failed",
        {"kind": "truncated", "message": "it ends too early"},
    )
    assert (found["sidecar"], found["asset_id"], found["changes"]) == (None, None, [])


def test_the_states_are_the_documented_ones() -> None:
    documented = "updated|unchanged|simulated|missing|path_mismatch|unsupported|failed"
    assert "|".join(status.value for status in Status) == documented


VALUES = st.none() | st.text() | st.integers() | st.floats() | st.lists(st.text()).map(tuple)


@given(st.text(), VALUES, VALUES)
def test_any_value_is_one_valid_line(path: str, old: Value, new: Value) -> None:
    result = Result(path, Status.UPDATED, changes=(Change("t", old, new),))
    line = to_json(result)
    assert len((line + "x").splitlines()) == 1
    assert line.encode()
    assert json.loads(line, parse_constant=lambda name: pytest.fail(name))["path"] == path
    for text in render(result):
        assert len((text + "x").splitlines()) == 1
        assert text.encode().decode() == text
        assert len(text) < 30_000 + 6 * len(path)


def test_lines_are_on_the_disk_as_the_run_goes(tmp_path: Path) -> None:
    target = tmp_path / "r.jsonl"
    target.write_text("an older report\n")
    with ReportWriter(str(target), warn=pytest.fail) as report:
        report.write(RESULT)
        assert target.read_text(encoding="utf-8") == to_json(RESULT) + "\n"
        report.write(RESULT)
    assert target.read_text(encoding="utf-8").count("\n") == 2


def test_a_dash_is_standard_output_which_stays_open() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with ReportWriter("-", warn=pytest.fail, stdout=stream) as report:
        report.write(RESULT)
    stream.seek(0)
    assert json.loads(stream.read())["path"] == "/photos/Zoë.jpg"


def test_a_report_that_cannot_be_made_is_a_named_error(tmp_path: Path) -> None:
    for target in (tmp_path / "gone" / "r.jsonl", tmp_path):
        with pytest.raises(PathsError, match="--report") as caught:
            ReportWriter(str(target), warn=pytest.fail)
        assert caught.value.exit_code == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_warning_and_the_run_goes_on() -> None:
    said: list[str] = []
    with ReportWriter("/dev/full", warn=said.append) as report:
        for _ in range(3):
            report.write(RESULT)
    assert len(said) == 1
    assert "not complete" in said[0]


def test_a_secret_is_redacted(tmp_path: Path) -> None:
    target = tmp_path / "r.jsonl"
    with ReportWriter(str(target), warn=pytest.fail, redact=lambda line: line.replace("a1", "***")) as report:
        report.write(RESULT)
    assert json.loads(target.read_text(encoding="utf-8"))["asset_id"] == "***"


def test_people_read_the_file_then_a_line_per_tag() -> None:
    assert render(RESULT) == (
        "/photos/Zoë.jpg: would be updated (sidecar /photos/Zoë.jpg.xmp)",
        '    XMP-dc:Subject  +"Zoë"',
        "    IFD0:Rating     (none) -> 4",
        '    XMP-xmp:Label   kept "Red": a foreign label',
        "    IPTC:Keywords   skipped: this file has no place for IPTC",
    )


def test_people_read_why_a_file_failed() -> None:
    result = Result("/x\n.jpg", Status.PATH_MISMATCH, error=Failure("path_mismatch", "not\x1b proved"))
    assert render(result) == ("/x\\n.jpg: path mismatch: not\\x1b proved",)


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("a", "b", '"a" -> "b"'),
        (None, "", '(none) -> ""'),
        ("x\ny", None, '"x\\ny" -> (none)'),
        (1.5, 2, "1.5 -> 2"),
        (("a", "b"), ("b", "c"), '+"c"  -"a"'),
        (("a", "a"), ("a",), '-"a"'),
        (None, ("a",), '+"a"'),
        ("a", ("a", "b"), '+"b"'),
        (("a",), None, '-"a"'),
        (("a", "b"), ("b", "a"), '["a", "b"] -> ["b", "a"]'),
        (None, (), "(none) -> []"),
    ],
)
def test_a_change_shows_what_comes_and_goes(old: Value, new: Value, shown: str) -> None:
    assert render_change(old, new) == shown


def test_long_values_and_lists_are_shortened() -> None:
    assert render_change(None, "x" * 3000) == f'(none) -> "{"x" * 80}…" (3000 characters)'
    shown = render_change((), tuple(f"p{number:03}" for number in range(100)))
    assert shown.startswith('+"p000"  +"p001"')
    assert shown.endswith("… and 92 more")
