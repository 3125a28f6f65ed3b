"""`sync` and its configuration, its log, and its key, through the real command line."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime
from pathlib import Path

import pytest

from immich_meta.demo.server import DemoServer
from immich_meta_writers import read
from tests.cli.home import KEY, Home, keywords, lines_of

TEXT_LINE = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \[(DEBUG  |INFO   |WARNING|ERROR  )\] .+")


def _ini(values: dict[str, str]) -> str:
    return "[immich]\n" + "".join(f"{name.lower()} = {value}\n" for name, value in values.items())


def _env(values: dict[str, str]) -> str:
    return "# ours\n" + "".join(f"export {name}='{value}'\n" for name, value in values.items())


def _json(values: dict[str, str]) -> str:
    return json.dumps({name.title(): value for name, value in values.items()})


@pytest.mark.parametrize(
    ("name", "form"), [("my.conf", _ini), ("my.ini", _ini), (".env", _env), ("my.env", _env), ("my.json", _json)]
)
def test_settings_come_from_a_file_of_any_form(home: Home, name: str, form: object) -> None:
    (path,) = home.fill(1)
    assert callable(form)
    (home.directory / name).write_text(form(home.environ))
    home.environ = {}
    assert home.sync("--people", "--config", name).sums()["updated"] == 1
    assert keywords(path) == ("Ada",)


def test_the_default_file_is_read_when_it_is_there(home: Home) -> None:
    home.fill(1)
    (home.directory / "immich-sync.conf").write_text(_ini(home.environ))
    home.environ = {}
    assert home.sync("--people").code == 0


def test_the_environment_comes_before_the_file(home: Home) -> None:
    path, _ = home.add("a.jpg", description="four and more")
    (home.directory / "immich-sync.conf").write_text(_ini({"CAPTION_MAX_LEN": "4", "IMMICH_API_KEY": "wrong"}))
    assert home.sync("--caption").code == 0
    assert read(path)["XMP-dc:Description"] == "four"
    assert home.sync("--caption", CAPTION_MAX_LEN="8").sums()["updated"] == 1
    assert read(path)["XMP-dc:Description"] == "four and"


def test_aliases_of_the_predecessor_are_taken(home: Home) -> None:
    home.fill(1)
    ran = home.sync("--people", IMMICH_PHOTO_DIR=None, PHOTO_DIR=str(home.photos), LOG_FILE="other.txt")
    assert ran.code == 0
    assert (home.directory / "other.txt").read_text("utf-8").count("FINISH") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IMMICH_PATH_SEGMENTS", "11"),
        ("IMMICH_PATH_SEGMENTS", "three"),
        ("TZ", "Mars/Olympus"),
        ("IMMICH_ASSET_BATCH_SIZE", "0"),
        ("IMMICH_LOG_FORMAT", "xml"),
        ("IMMICH_PATH_MAP", "/data"),
        ("CAPTION_MAX_LEN", "-1"),
        ("IMMICH_RATE_LIMIT", "nan"),
        ("IMMICH_META_XMP_ENGINE", "exiv2"),
    ],
)
def test_a_wrong_value_names_the_variable_the_value_and_what_is_allowed(home: Home, name: str, value: str) -> None:
    ran = home.sync(**{name: value})
    assert ran.code == 2
    for word in (name, repr(value), "allowed:"):
        assert word in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_what_is_missing_is_named_with_a_way_to_set_it(offline: Home) -> None:
    ran = offline.sync()
    assert ran.code == 2
    assert "IMMICH_INSTANCE_URL and IMMICH_API_KEY are not set" in ran.err
    assert "immich-sync.conf" in ran.err


def test_a_named_file_that_is_missing_is_an_error(home: Home) -> None:
    ran = home.sync("--config", "nowhere.conf")
    assert (ran.code, "nowhere.conf does not exist" in ran.err) == (2, True)


def test_a_garbled_file_is_an_error_that_quotes_none_of_it(home: Home) -> None:
    (home.directory / "my.json").write_text('{"IMMICH_API_KEY": "' + KEY + '"')
    ran = home.sync("--config", "my.json")
    assert ran.code == 2
    assert KEY not in ran.said


@pytest.mark.parametrize(
    "arguments",
    [["--export-stats", "xml"], ["--no-such-flag"], ["stray"], ["--log-level", "LOUD"], ["--write-to", "x"]],
)
def test_wrong_usage_is_said_and_ends_with_2(home: Home, arguments: list[str]) -> None:
    ran = home.run("sync", "--all", *arguments)
    assert ran.code == 2
    assert "Error" in ran.err


def test_a_report_that_cannot_be_made_is_an_error_before_any_file_is_touched(home: Home) -> None:
    (path,) = home.fill(1)
    ran = home.sync("--people", "--report", "no/such/folder/r.jsonl")
    assert (ran.code, keywords(path)) == (2, ())
    assert "no/such/folder/r.jsonl" in ran.err


def test_text_lines_go_to_standard_output_and_to_the_file(home: Home) -> None:
    home.fill(2)[1].write_bytes(b"")
    ran = home.sync("--people", "--log-level", "DEBUG")
    assert all(TEXT_LINE.fullmatch(line) for line in ran.out.splitlines())
    assert home.log == ran.out
    assert "[ERROR  ] failed: " in ran.out
    home.sync("--people")
    assert home.log.count("START") == 2


def test_the_level_decides_how_much_is_said(home: Home) -> None:
    home.fill(2)[1].write_bytes(b"")
    (line,) = home.sync("--people", "--log-level", "error").out.splitlines()
    assert "[ERROR  ]" in line


@pytest.mark.parametrize("setting", [{"IMMICH_LOG_FORMAT": "json"}, {"IMMICH_STRUCTURED_LOGS": "true"}])
def test_json_lines_are_one_object_each(home: Home, setting: dict[str, str]) -> None:
    home.fill(1)
    ran = home.run("sync", "--people", **setting)
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert all(list(line) == ["timestamp", "level", "message", "extra"] for line in lines)
    assert lines[0]["message"].startswith("START modules=people")
    assert datetime.fromisoformat(lines[0]["timestamp"]).utcoffset() is not None
    assert home.log == ran.out


def test_times_of_the_log_are_those_of_tz(home: Home) -> None:
    home.fill(1)
    stamps = {}
    for zone in ("UTC", "Asia/Tokyo"):
        line = home.sync("--people", "--dry-run", TZ=zone).out.splitlines()[0]
        stamps[zone] = datetime.strptime(line[1:20], "%Y-%m-%d %H:%M:%S")
    hours = (stamps["Asia/Tokyo"] - stamps["UTC"]).total_seconds() / 3600
    assert 8.9 < hours < 9.1


def _everywhere(home: Home) -> str:
    files = [path for path in home.directory.rglob("*") if path.is_file()]
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def test_the_key_is_in_no_output_log_report_or_remembered_file(home: Home, server: DemoServer) -> None:
    home.fill(1)[0].write_bytes(b"")
    home.add(f"of {KEY}.jpg", people=[KEY], description=f"key {KEY}", albums=[KEY])
    ran = home.sync("--report", "r.jsonl", "--log-level", "DEBUG", "--export-stats", "json")
    assert ran.code == 1
    server.fail(500, times=None, path="/search", message=f"bad key {KEY}")
    broken = home.sync("--people", "--log-level", "DEBUG", "--report", "r2.jsonl")
    assert broken.code == 3
    (home.directory / ".immich_album_cache.json").unlink()  # holds the albums' names as they are
    assert KEY not in ran.said + broken.said + _everywhere(home)
    assert [line["status"] for line in lines_of(home.directory / "r.jsonl")].count("failed") == 1


def test_the_key_is_in_no_traceback(home: Home) -> None:
    """Even a fault of the program itself may not tell it."""
    home.fill(1)
    script = (
        "import sys\n"
        "from immich_meta.sync import engine\n"
        "def broken(*unused):\n"
        "    raise ZeroDivisionError('made to fail')\n"
        "engine.to_task = broken\n"
        "from immich_meta.__main__ import main\n"
        "main()\n"
    )
    child = home.start("sync", "--people", "--log-level", "DEBUG", script=script)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 1
    assert "made to fail" in err
    assert "FINISH (interrupted)" in out
    assert KEY not in out + err + _everywhere(home)


def test_a_run_in_a_pipe_that_is_closed_goes_on(home: Home) -> None:
    paths = home.fill(3)
    child = home.start("sync", "--people")
    assert child.stdout is not None
    child.stdout.close()
    child.wait(30)
    assert [keywords(path) for path in paths] == [("Ada",)] * 3
    assert child.stderr is not None
    assert "Traceback" not in child.stderr.read()
    child.stderr.close()


def test_an_output_that_lacks_a_letter_is_no_failure(home: Home) -> None:
    path, _ = home.add("山田.jpg", people=["Łukasz"])
    for arguments in (["sync", "--people"], ["show", str(path)], ["show", "--json", str(path)]):
        child = home.start(*arguments, PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
        out, err = child.communicate(timeout=30)
        assert (child.returncode, err) == (0, "")
        assert out.isascii()
    assert keywords(path) == ("Łukasz",)


def test_a_file_name_that_is_no_text_is_no_failure(home: Home) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    path = home.photo("plain.jpg")
    odd = path.with_name(name)
    try:
        path.rename(odd)
    except OSError:
        pytest.skip("this file system takes only text")
    for arguments in (["show", str(odd)], ["show", "--json", str(odd)]):
        child = home.start(*arguments)
        out, err = child.communicate(timeout=30)
        assert (child.returncode, err) == (0, "")
        assert "caf" in out


def test_the_rate_limit_is_kept(home: Home, server: DemoServer) -> None:
    home.fill(1)
    unlimited = home.sync("--people", "--dry-run")
    limited = home.sync("--people", "--dry-run", IMMICH_RATE_LIMIT="1000")
    assert unlimited.sums() == limited.sums()


def test_page_sizes_beyond_the_servers_are_cut(home: Home, server: DemoServer) -> None:
    home.fill(3)
    assert home.sync("--people", IMMICH_SEARCH_PAGE_SIZE="5000").sums()["updated"] == 3
    sizes = {each.body["size"] for each in server.requests_to("/search/metadata")}
    assert sizes == {1000}


def test_relative_paths_are_meant_from_the_working_directory(home: Home) -> None:
    home.fill(1)
    relative = os.path.relpath(home.photos, home.directory)
    assert home.sync("--people", IMMICH_PHOTO_DIR=relative, IMMICH_PATH_MAP=None).sums()["updated"] == 1
    assert Path(home.directory / "immich_ultra_sync.txt").exists()
