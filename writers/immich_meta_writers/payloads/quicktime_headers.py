"""Dates of a movie's headers: seconds since 1904, UTC (ISO/IEC 14496-12, 8.2.2.3, 8.3.2.3, 8.4.2.3).

Not here: every other field of mvhd, tkhd and mdhd, which all begin alike.
"""

from __future__ import annotations

import re
import struct
from datetime import datetime, timedelta
from typing import NamedTuple, Optional

UNSET = "0000:00:00 00:00:00"
FIELDS = ("creation", "modification")
_EPOCH = datetime(1904, 1, 1)
_TEXT = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
# By version: how a date is packed, and where the first of the two stands behind version and flags.
_FORMS = {0: ">I", 1: ">Q"}
_FIRST = 4


class Place(NamedTuple):
    """Where a date stands in the content of a header, and how it is packed."""

    start: int
    form: str

    @property
    def size(self) -> int:
        return struct.calcsize(self.form)


def place(content: bytes, field: str) -> Optional[Place]:
    """None for a version that nobody has defined, or a header that ends too early."""
    form = _FORMS.get(content[0]) if content else None
    if form is None:
        return None
    found = Place(_FIRST + FIELDS.index(field) * struct.calcsize(form), form)
    return found if found.start + found.size <= len(content) else None


def read(content: bytes, field: str) -> Optional[str]:
    """`2021:06:15 10:34:56`, zeros when unset; seconds that no calendar holds as `@` and their number."""
    found = place(content, field)
    if found is None:
        return None
    seconds = struct.unpack_from(found.form, content, found.start)[0]
    if not seconds:
        return UNSET
    try:
        return _spelled(_EPOCH + timedelta(seconds=seconds))
    except OverflowError:
        return f"@{seconds}"


def write(content: bytes, field: str, text: str) -> Optional[bytes]:
    """The header with another date; None when its version cannot hold that one (0 stands for none)."""
    found, seconds = place(content, field), _seconds(text)
    if found is None or seconds is None or not 0 < seconds < 1 << 8 * found.size:
        return None
    end = found.start + found.size
    return content[: found.start] + struct.pack(found.form, seconds) + content[end:]


def _spelled(moment: datetime) -> str:
    return f"{moment.year:04}:{moment:%m:%d %H:%M:%S}"


def _seconds(text: str) -> Optional[int]:
    match = _TEXT.fullmatch(text)
    if not match:
        return None
    try:
        year, month, day, hour, minute, second = map(int, match.groups())
        moment = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(seconds=1)
