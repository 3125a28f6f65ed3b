"""When runs are due: every so often, or by a line of cron. Moments are seconds since 1970.

Not here: waiting (loop.py). The syntax of cron, and what becomes of times that a change of the clocks skips or repeats,
is the cronsim library's, which follows Debian's cron.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import islice
from typing import Protocol

MINUTE, HOUR, DAY = 60, 3600, 86_400
_LONGEST = 366 * DAY
_DURATION = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
_UNITS = (DAY, HOUR, MINUTE, 1)
_NAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
# More missed times are not gone through one by one: the clock was put forward.
_MOST_MISSED = 2000


class Schedule(Protocol):
    """A row of moments; its text is what a user would write."""

    def next_after(self, before: float, now: float, zone: tzinfo) -> float:
        """The first moment later than `now` of the row that goes on from `before`, which may be earlier."""


@dataclass(frozen=True)
class Every:
    """Every so many seconds; what was missed is not made up for."""

    seconds: int

    def __str__(self) -> str:
        left, words = self.seconds, ""
        for unit, letter in zip(_UNITS, "dhms"):
            count, left = divmod(left, unit)
            words += f"{count}{letter}" if count else ""
        return words

    def next_after(self, before: float, now: float, zone: tzinfo) -> float:
        return before + self.seconds * max(1, math.floor((now - before) / self.seconds) + 1)


@dataclass(frozen=True)
class Cron:
    """Five fields: minute, hour, day of the month, month, day of the week; on the clock of a zone."""

    fields: str

    def __str__(self) -> str:
        return self.fields

    def next_after(self, before: float, now: float, zone: tzinfo) -> float:
        from cronsim import CronSim

        # From the one before, which tells the repeated hour of autumn from the first one.
        row = CronSim(self.fields, datetime.fromtimestamp(min(before, now), zone))
        for moment in islice(row, _MOST_MISSED):
            if moment.timestamp() > now:
                return moment.timestamp()
        return next(CronSim(self.fields, datetime.fromtimestamp(now, zone))).timestamp()


def parse_schedule(text: str) -> Schedule:
    """`6h`, `1d12h`, `90m`; or `0 3 * * *`, `@daily`. Raises ValueError."""
    words = text.split()
    is_cron = text.strip().startswith("@") or (len(words) > 1 and not _DURATION.fullmatch("".join(words).lower()))
    return cron(text) if is_cron else every(text)


def every(text: str) -> Every:
    """An interval from a minute to a year. Raises ValueError."""
    seconds = parse_duration(text)
    if not MINUTE <= seconds <= _LONGEST:
        raise ValueError(f"{text} is not between 1m and 366d")
    return Every(seconds)


def cron(text: str) -> Cron:
    """Raises ValueError with the field that is wrong."""
    from cronsim import CronSim, CronSimError

    fields = _NAMES.get(text.strip().lower(), " ".join(text.split()))
    if fields.count(" ") != 4:
        raise ValueError(f"{text!r} has not the five fields minute, hour, day, month, weekday")
    try:
        next(CronSim(fields, datetime(2024, 1, 1)))
    except CronSimError as error:
        raise ValueError(f"{text!r}: {str(error).lower()}") from error
    except StopIteration:
        raise ValueError(f"{text!r} never comes") from None
    return Cron(fields)


def parse_duration(text: str) -> int:
    """Seconds of `6h`, `1d12h`, `90m`, `30s` or `0`. Raises ValueError."""
    text = "".join(text.lower().split())
    match = _DURATION.fullmatch(text)
    if text == "0":
        return 0
    if match is None or not text:
        raise ValueError(f"{text!r} is no time: write 6h, 1d12h or 90m")
    return sum(int(count or 0) * unit for count, unit in zip(match.groups(), _UNITS))


def default_jitter(schedule: Schedule, now: float, zone: tzinfo) -> float:
    """Seconds: a tenth of the interval, at most five minutes."""
    first = schedule.next_after(now, now, zone)
    return min(5.0 * MINUTE, 0.1 * (schedule.next_after(first, first, zone) - first))
