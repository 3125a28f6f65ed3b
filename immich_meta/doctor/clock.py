"""Do the clocks of this machine and of the server agree?

Not here: the time zone (configuration.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from immich_meta.api.preflight import ClockReading
from immich_meta.doctor.finding import Finding, Level, good

NOTE_ABOVE = 60.0
# By then "today" may be another day: it decides which dates in file names lie in the future, and how long undo is kept.
FAULT_ABOVE = 3 * 3600.0


def clocks_agree(reading: Optional[ClockReading]) -> Iterator[Finding]:
    """A note above 60 seconds, a fault above 3 hours."""
    if reading is None:
        return
    seconds = abs(reading.ahead)
    if seconds <= NOTE_ABOVE:
        yield good("clock.server", "The clocks of this machine and of the server agree")
        return
    which = "ahead of" if reading.ahead > 0 else "behind"
    yield Finding(
        "clock.server",
        Level.FAULT if seconds > FAULT_ABOVE else Level.NOTE,
        f"The server's clock is {_words(seconds)} {which} the clock of this machine",
        "Dates that are made from today's, and how long the way back is kept, are wrong by that."
        if seconds > FAULT_ABOVE
        else "It does no harm to photos; times in logs of both do not fit together.",
        "Let both machines set their clocks by the network (NTP); see which one is wrong with: date -u",
    )


def _words(seconds: float) -> str:
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"
