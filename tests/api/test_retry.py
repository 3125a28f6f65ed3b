"""When a request is tried again, how long is waited, and how fast requests may follow each other."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Callable, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.api.client import ImmichClient
from immich_meta.api.exchange import Answer, Request
from immich_meta.api.pace import Pace
from immich_meta.api.retry import Retrying, RetryPolicy, retry_after
from immich_meta.demo.server import DemoServer
from immich_meta.errors import TlsError, UnreachableError

ASK = Request("GET", "/server/version")
FINE = Answer(200, {}, b"{}")
POLICY = RetryPolicy(first_attempts=3, attempts=5, shortest=1.0, longest=4.0, patience=20.0)
Outcome = Union[int, Answer, Exception]


class Script:
    """A transport that answers as it was told, and counts."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes = list(outcomes)
        self.sent = 0
        self.closed = False

    def send(self, request: Request) -> Answer:
        self.sent += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return Answer(outcome, {}, b"{}") if isinstance(outcome, int) else outcome

    def close(self) -> None:
        self.closed = True


def retrying(
    script: Script, naps: list[float], jitter: float = 1.0, policy: RetryPolicy = POLICY
) -> Retrying:
    return Retrying(script, policy=policy, sleep=naps.append, jitter=lambda: jitter, now=lambda: 1_000_000.0)


@pytest.mark.parametrize("trouble", [429, 502, 503, 504, UnreachableError("refused")])
def test_transient_troubles_are_tried_again(trouble: Outcome) -> None:
    naps: list[float] = []
    script = Script([trouble, trouble, FINE])
    assert retrying(script, naps).send(ASK) is FINE
    assert naps == [1.0, 2.0]


@pytest.mark.parametrize("status", [200, 201, 302, 400, 401, 403, 404, 408, 409, 413, 500, 501])
def test_every_other_answer_is_an_answer(status: int) -> None:
    naps: list[float] = []
    script = Script([status, FINE])
    assert retrying(script, naps).send(ASK).status == status
    assert (script.sent, naps) == (1, [])


def test_a_failure_that_stays_is_not_tried_again() -> None:
    script = Script([TlsError("expired"), FINE])
    with pytest.raises(TlsError):
        retrying(script, []).send(ASK)
    assert script.sent == 1


def test_a_server_never_reached_is_given_up_sooner_than_one_that_went_away() -> None:
    naps: list[float] = []
    script = Script([UnreachableError("x")] * 3 + [FINE] + [UnreachableError("gone")] * 5)
    carrier = retrying(script, naps)
    with pytest.raises(UnreachableError, match="x"):
        carrier.send(ASK)
    carrier.send(ASK)
    with pytest.raises(UnreachableError, match="gone"):
        carrier.send(ASK)
    assert naps == [1.0, 2.0, 1.0, 2.0, 4.0, 4.0]
    assert script.outcomes == []


def test_the_last_busy_answer_is_handed_on() -> None:
    naps: list[float] = []
    assert retrying(Script([503, 502, 504]), naps).send(ASK).status == 504


def test_jitter_takes_at_most_half_of_the_wait() -> None:
    naps: list[float] = []
    retrying(Script([503, FINE]), naps, jitter=0.0).send(ASK)
    assert naps == [0.5]


def test_retry_after_is_obeyed() -> None:
    naps: list[float] = []
    busy = Answer(429, {"retry-after": "7"}, b"")
    retrying(Script([busy, FINE]), naps, jitter=0.0).send(ASK)
    assert 7.0 <= naps[0] < 7.2


def test_a_retry_after_beyond_all_patience_is_given_up_at_once() -> None:
    naps: list[float] = []
    busy = Answer(429, {"retry-after": "3600"}, b"")
    assert retrying(Script([busy, FINE]), naps).send(ASK) is busy
    assert naps == []


def test_the_waits_of_one_request_are_bounded_together() -> None:
    naps: list[float] = []
    busy = Answer(503, {"retry-after": "9"}, b"")
    retrying(Script([FINE, *[busy] * 5]), naps).send(ASK)
    carrier = retrying(Script([FINE, *[busy] * 5]), naps)
    carrier.send(ASK)
    assert carrier.send(ASK) is busy
    assert sum(naps) <= POLICY.patience


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0), (" 120 ", 120.0), ("Mon, 12 Jan 1970 13:46:50 GMT", 10.0),
        ("Mon, 12 Jan 1970 13:46:30 GMT", 0.0), (None, None), ("", None), ("soon", None), ("-5", None),
        ("1e3", None), ("٣", None), ("9" * 30, None), ("Mon, 99 Jan 1970 13:46:50 GMT", None),
        ("Mon, 12 Jan 1970 13:46:50 -0000", 10.0),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_as_a_date(header: Union[str, None], seconds: object) -> None:
    assert retry_after(header, 1_000_000.0) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_raises(header: str) -> None:
    found = retry_after(header, 1_000_000.0)
    assert found is None or found >= 0


def test_closing_ends_a_wait_for_another_try() -> None:
    script = Script([503] * 7)
    carrier = Retrying(script, policy=RetryPolicy(shortest=30.0))
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(carrier.send(ASK)))
    thread.start()
    while script.sent == 0:
        threading.Event().wait(0.001)
    carrier.close()
    thread.join(5)
    assert answers
    assert script.closed
    assert script.sent <= 2


def test_requests_are_spaced_evenly() -> None:
    now = [100.0]
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        now[0] += seconds

    pace = Pace(4.0, clock=lambda: now[0], sleep=sleep)
    for _ in range(4):
        pace.wait()
    assert naps == [0.25, 0.25, 0.25]
    now[0] += 10
    pace.wait()
    assert len(naps) == 3, "time that was not used is not made up for in a burst"


def test_the_rate_limit_holds_for_a_client(
    serve: Callable[..., DemoServer], connect: Callable[..., ImmichClient], naps: Callable[[float], None]
) -> None:
    client = connect(serve(), rate_limit=10.0, clock=lambda: 0.0)
    client.server()
    client.me()
    assert naps.taken == pytest.approx([0.1, 0.2, 0.3])  # type: ignore[attr-defined]


def test_dropped_connections_and_busy_answers_do_not_lose_an_asset(
    server: DemoServer, connect: Callable[..., ImmichClient], naps: Callable[[float], None]
) -> None:
    for at in range(7):
        server.library.add_photo(f"/data/{at}.jpg")
    client = connect(server, page_size=3)
    client.me()
    server.drop(times=2, path="/search")
    server.fail(502, times=2, path="/search")
    server.fail(429, path="/search", retry_after="3")
    assert len(list(client.assets())) == 7
    assert len(naps.taken) == 5  # type: ignore[attr-defined]
    assert max(naps.taken) >= 3  # type: ignore[attr-defined]
