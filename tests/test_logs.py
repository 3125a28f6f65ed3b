"""Log lines: one line per message, no key in them, and a run that outlives its log."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
from datetime import timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.logs import LOGGER_NAME, Redactor, configure, json_line, one_line

KEY = 'k3y/That"NobodyMaySee'
LINE = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \[[A-Z ]{7,8}\] .*")


def test_a_text_line_has_a_time_a_padded_level_and_the_message(tmp_path: Path) -> None:
    stream = io.StringIO()
    with configure(tmp_path / "log.txt", stream=stream) as logs:
        logs.logger.info("Looking at %d assets", 3)
        logs.logger.warning("slow")
        logs.logger.debug("never shown")
    first, second = stream.getvalue().splitlines()
    assert LINE.fullmatch(first)
    assert first.endswith("] [INFO   ] Looking at 3 assets")
    assert second.endswith("] [WARNING] slow")
    assert (tmp_path / "log.txt").read_text() == stream.getvalue()


def test_a_line_logged_by_a_module_of_the_package_arrives() -> None:
    stream = io.StringIO()
    with configure(None, stream=stream):
        logging.getLogger(f"{LOGGER_NAME}.sync.engine").info("hello")
    assert stream.getvalue().endswith("] hello\n")


def test_the_file_is_appended_to_and_configuring_twice_does_not_double_lines(tmp_path: Path) -> None:
    for text in ("one", "two"):
        configure(tmp_path / "log.txt", stream=io.StringIO()).logger.info(text)
    logs = configure(None, stream=io.StringIO())
    logs.logger.info("three")
    logs.close()
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == ["one", "two"]


def test_a_json_line_is_one_object_with_the_extras() -> None:
    stream = io.StringIO()
    with configure(None, stream=stream, json_lines=True, zone=timezone.utc) as logs:
        logs.logger.info("Zoë\nsaid", extra={"asset_id": "a1", "path": Path("/x"), "share": float("nan")})
    found = json.loads(stream.getvalue())
    assert list(found) == ["timestamp", "level", "message", "extra"]
    assert found["timestamp"].endswith("+00:00")
    assert (found["level"], found["message"]) == ("INFO", "Zoë\\nsaid")
    assert found["extra"] == {"asset_id": "a1", "path": "/x", "share": "nan"}


@pytest.mark.parametrize("json_lines", [False, True])
def test_a_name_cannot_forge_a_line_or_hide_one(json_lines: bool) -> None:
    stream = io.StringIO()
    name = "a.jpg\n[2030-01-01 00:00:00] [ERROR  ] forged\r\x1b[2J\u2028\u202e\x85\x00\ud800"
    with configure(None, stream=stream, json_lines=json_lines) as logs:
        logs.logger.info("Writing %s", name)
    text = stream.getvalue()
    assert len(text.splitlines()) == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800]", text)


def test_a_traceback_is_set_off_from_real_lines() -> None:
    stream = io.StringIO()
    with configure(None, stream=stream, secrets=[KEY]) as logs:
        try:
            raise ValueError(f"[2030-01-01 00:00:00] [ERROR  ] forged {KEY}")
        except ValueError:
            logs.logger.exception("Failed")
    lines = stream.getvalue().splitlines()
    assert LINE.fullmatch(lines[0])
    assert len(lines) > 2
    assert all(line.startswith("    | ") for line in lines[1:])
    assert KEY not in stream.getvalue()


@pytest.mark.parametrize("json_lines", [False, True])
def test_the_key_is_redacted_wherever_it_appears(tmp_path: Path, json_lines: bool) -> None:
    stream = io.StringIO()
    with configure(tmp_path / "log.txt", stream=stream, json_lines=json_lines, secrets=[KEY, ""]) as logs:
        logs.logger.info("with key %s", KEY, extra={"headers": {"x-api-key": KEY}, KEY: 1})
        logs.logger.info("quoted %r in /x?key=%s", KEY, "k3y%2FThat%22NobodyMaySee")
    for text in (stream.getvalue(), (tmp_path / "log.txt").read_text()):
        assert "NobodyMaySee" not in text
        assert "***" in text


def test_without_a_secret_nothing_is_redacted() -> None:
    assert Redactor(["", "ab"])("abc ab") == "abc ab"


@given(st.text(min_size=4), st.text(), st.text())
def test_a_redacted_text_never_holds_the_secret(secret: str, before: str, after: str) -> None:
    redacted = Redactor([secret])(before + secret + after)
    assert secret not in redacted.replace("***", "\0\0\0") or "*" in secret or "\0" in secret


@given(st.text())
def test_one_line_is_one_line_and_can_be_encoded(text: str) -> None:
    assert len((one_line(text) + "x").splitlines()) == 1
    assert one_line(text).encode().decode() == one_line(text)
    assert one_line(one_line(text)) == one_line(text)


@given(st.recursive(st.none() | st.text() | st.integers() | st.floats(), st.lists), st.booleans())
def test_a_json_line_is_always_valid_json(value: object, ascii_only: bool) -> None:
    line = json_line(value, ascii_only=ascii_only)
    assert len((line + "x").splitlines()) == 1
    assert line.encode("ascii" if ascii_only else "utf-8")
    assert json.loads(line, parse_constant=lambda name: pytest.fail(name)) is not ...


@pytest.mark.parametrize("where", ["gone/log.txt", "", "fifo"])
def test_a_log_file_that_cannot_be_written_is_a_warning(tmp_path: Path, where: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    stream = io.StringIO()
    with configure(tmp_path / where, stream=stream) as logs:
        logs.logger.info("the run goes on")
    warning, line = stream.getvalue().splitlines()
    assert "[WARNING] The log file" in warning
    assert str(tmp_path / where) in warning
    assert "IMMICH_LOG_FILE" in warning
    assert line.endswith("the run goes on")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_warning_and_the_run_goes_on() -> None:
    stream = io.StringIO()
    with configure(Path("/dev/full"), stream=stream) as logs:
        for number in range(3):
            logs.logger.info("line %d", number)
    assert stream.getvalue().count("[WARNING]") == 1
    assert stream.getvalue().count("[INFO   ]") == 3


def test_a_closed_pipe_does_not_stop_the_run(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(os.dup(writing), "w") as pipe:
        with configure(tmp_path / "log.txt", stream=pipe) as logs:
            logs.logger.info("one")
            logs.logger.info("two")
        os.dup2(os.open(os.devnull, os.O_WRONLY), pipe.fileno())
    os.close(writing)
    assert len((tmp_path / "log.txt").read_text().splitlines()) == 2


def test_a_terminal_that_knows_no_unicode_gets_escapes() -> None:
    raw = io.BytesIO()
    with configure(None, stream=io.TextIOWrapper(raw, encoding="ascii", write_through=True)) as logs:
        logs.logger.info("山田")
        assert raw.getvalue().endswith(b"\\u5c71\\u7530\n")


def test_lines_appear_above_a_progress_bar() -> None:
    tqdm = pytest.importorskip("tqdm")
    stream = io.StringIO()
    with configure(None, stream=stream) as logs, tqdm.tqdm(total=2, file=stream, leave=False) as bar:
        bar.update(1)
        logs.logger.info("hello")
    assert re.search(r"(?:^|\r|\n) *\r?\[[^\n]*\] hello\n", stream.getvalue())


def test_lines_may_go_to_a_function() -> None:
    lines: list[str] = []
    with configure(None, write=lines.append) as logs:
        logs.logger.info("hello")
    assert [line.endswith("hello") for line in lines] == [True]


def test_importing_sets_nothing_up() -> None:
    code = "import logging as l, immich_meta.logs; print(l.getLogger('immich_meta').handlers, l.root.handlers)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[] []"
