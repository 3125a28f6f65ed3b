"""How far, how quick, how long still; and the end of a log, in a moment, however long it is."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from immich_meta.cli.watching import Phase
from immich_meta.sync.report import Result, Status
from immich_meta.sync.work import Outcome
from immich_meta.web.runs.folders import State, replace_object
from immich_meta.web.runs.meter import Meter
from immich_meta.web.runs.run_log import RunLog
from immich_meta.web.runs.streams import MOST, Streams
from immich_meta.web.runs.tail import MOST_BYTES, MOST_LINES, tail
from tests.web.visitor import Site


def test_many_who_look_do_not_take_each_other_for_the_run(site: Site) -> None:
    folder = site.parts.folders.create({"arguments": ["--people"]})
    folder.lock.write_bytes(b"")
    seen: list[State] = []

    def look() -> None:
        seen.extend(folder.state(0.0) for _ in range(100))

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for each in lookers:
        each.start()
    for each in lookers:
        each.join()
    assert set(seen) == {State.INTERRUPTED}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def outcome(number: int, status: Status = Status.UPDATED) -> Outcome:
    return Outcome(Result(f"/photos/{number}.jpg", status))


def test_the_rate_and_the_time_left_follow_the_last_seconds() -> None:
    clock = Clock()
    meter = Meter(clock)
    meter.expects(1000)
    meter.entered(Phase.FILES)
    assert (meter.reading()["rate"], meter.reading()["left"]) == (None, None)
    for second in range(10):
        clock.now += 1
        for number in range(20):
            meter.came(outcome(20 * second + number))
        reading = meter.reading()
    assert reading["rate"] == pytest.approx(20, rel=0.01)
    assert reading["left"] == pytest.approx(40, rel=0.01)
    assert (reading["done"], reading["counts"]["updated"], reading["path"]) == (200, 200, "/photos/199.jpg")
    for _ in range(60):  # nothing comes for a minute
        clock.now += 1
        reading = meter.reading()
    assert (reading["rate"], reading["left"]) == (0, None)


def test_more_than_was_expected_is_no_more_than_all() -> None:
    meter = Meter(Clock())
    meter.expects(1)
    meter.came(outcome(1))
    meter.came(outcome(2, Status.FAILED))
    meter.passed_over()
    assert (meter.reading()["done"], meter.reading()["total"]) == (3, 3)


def log_of(path: Path, count: int, level: str = "INFO") -> None:
    with path.open("a", encoding="utf-8") as file:
        for number in range(count):
            line = {"timestamp": "2024-05-01T12:00:00", "level": level, "message": f"{level} {number}", "extra": {}}
            file.write(json.dumps(line) + "\n")


def test_a_log_is_read_from_where_the_last_look_ended(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log_of(path, 3)
    first = tail(path)
    assert [line.message for line in first.lines] == ["INFO 0", "INFO 1", "INFO 2"]
    assert tail(path, after=first.next).lines == ()
    with path.open("ab") as file:
        file.write(b'{"timestamp": "x", "level": "INFO", "mess')
    assert tail(path, after=first.next).next == first.next
    with path.open("ab") as file:
        file.write(b'age": "late"}\n')
    assert [line.message for line in tail(path, after=first.next).lines] == ["late"]


def test_a_log_is_filtered_by_level(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for level in ("DEBUG", "INFO", "WARNING", "ERROR"):
        log_of(path, 1, level)
    assert [line.level for line in tail(path, "WARNING").lines] == ["WARNING", "ERROR"]


def test_of_a_long_log_the_end_is_read_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log_of(path, 20_000)
    began = time.perf_counter()
    found = tail(path)
    assert time.perf_counter() - began < 0.2
    assert found.skipped
    assert len(found.lines) == MOST_LINES
    assert found.lines[-1].message == "INFO 19999"
    # Who lags behind by more than is read at a time goes on at the end.
    assert tail(path, after=0).lines[-1].message == "INFO 19999"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[]\n{}\nnull\n", b"\xff\n", b"x" * 2 * MOST_BYTES, b'{"level":1}'])
def test_what_is_no_log_has_no_lines(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(content)
    assert tail(path).lines == ()
    assert tail(path, after=10**12).lines == ()
    assert tail(tmp_path / "none").lines == ()


def test_of_an_endless_log_the_warnings_and_the_last_words_are_kept(tmp_path: Path) -> None:
    with RunLog(tmp_path / "log.jsonl", most=1000) as log:
        for number in range(100):
            log.write(json.dumps({"timestamp": "", "level": "INFO", "message": f"file {number}"}))
        log.write(json.dumps({"timestamp": "", "level": "WARNING", "message": "look"}))
        log.write(json.dumps({"timestamp": "", "level": "INFO", "message": "FINISH total=100"}))
    messages = [line.message for line in tail(tmp_path / "log.jsonl").lines]
    assert messages[0] == "file 0"
    assert len(messages) < 30
    assert "left out" in messages[-3]
    assert messages[-2:] == ["look", "FINISH total=100"]


def test_so_many_may_listen_and_no_more() -> None:
    streams = Streams()
    assert [streams.enter() for _ in range(MOST + 1)] == [True] * MOST + [False]
    streams.leave()
    assert streams.enter()


def test_a_browser_hears_of_a_run_that_is_over_and_makes_room_for_the_next(site: Site) -> None:
    visitor = site.visitor()
    folder = site.parts.folders.create({"arguments": ["--people"], "asked": 1.0})
    (folder.path / "result.json").write_text('{"exit_code": 0}')
    for _ in range(MOST + 2):
        answer = visitor.get(f"/api/runs/{folder.id}/events")
        assert answer.mimetype == "text/event-stream"
        assert "event: panel\ndata: <div class=\"panel\"" in answer.text
        assert answer.text.endswith("event: over\ndata: done\n\n")


def test_one_browser_too_many_is_sent_to_ask_now_and_then(site: Site) -> None:
    visitor = site.visitor()
    folder = site.parts.folders.create({"arguments": ["--people"], "asked": 1.0})
    (folder.path / "result.json").write_text('{"exit_code": 0}')
    taken = [site.parts.streams.enter() for _ in range(MOST)]
    assert all(taken)
    assert visitor.get(f"/api/runs/{folder.id}/events").status_code == 503
    assert "Done" in visitor.get(f"/api/runs/{folder.id}/panel").text


def test_a_path_that_no_answer_can_carry_breaks_no_stream_and_hides_nothing(site: Site) -> None:
    visitor = site.visitor()
    folder = site.parts.folders.create({"arguments": ["--people"], "asked": 1.0})
    replace_object(folder.path / "progress.json", {"path": "/photos/\ud800\u202egpj.exe", "phase": "files"})
    for address in (f"/sync/{folder.id}", f"/api/runs/{folder.id}/panel"):
        assert "/photos/\\ud800\\u202egpj.exe" in visitor.get(address).text
    stream = visitor.client.get(f"/api/runs/{folder.id}/events")
    assert b"\\ud800\\u202egpj.exe" in next(iter(stream.response))
    stream.close()
