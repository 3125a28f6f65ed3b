"""The frame of an XMP packet: its encoding, its xpacket wrapper and its padding (XMP part 1, section 7.3).

Not here: the RDF inside (xmp_reader.py).
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple, Optional

from immich_meta_writers.errors import XmpError

HEADER = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
TRAILER = b'<?xpacket end="w"?>'
_BLANK = b" \t\r\n"
_EMPTYABLE = b" \t\r\n\0"
_LINE = b" " * 99 + b"\n"
_UNITS = {"utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4, "utf-32-be": 4}
# A declared legacy encoding is honoured where Python decodes and encodes it without loss.
_LEGACY = {"iso-8859-1": "latin-1", "latin1": "latin-1", "windows-1252": "cp1252", "cp1252": "cp1252"}
_DECLARED = re.compile(rb"\s*<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)")


class Frame(NamedTuple):
    """A packet as UTF-8 `data`, the codec of the original, and odd bytes behind the last whole character."""

    data: bytes
    codec: str
    rest: bytes


def decode(packet: bytes) -> Frame:
    """The packet in UTF-8, whatever it was. Raises XmpError when its bytes are not text in its own encoding."""
    codec = _sniff(packet)
    if codec == "utf-8":
        return Frame(packet, codec, b"")
    unit = _UNITS.get(codec, 1)
    whole = len(packet) - len(packet) % unit
    rest = packet[whole:]
    if rest.strip(_EMPTYABLE):
        raise XmpError(f"the packet ends in the middle of a {codec} character", place="XMP packet")
    try:
        return Frame(packet[:whole].decode(codec).encode("utf-8"), codec, rest)
    except UnicodeError as error:
        raise XmpError(f"not {codec} text: {error}", place="XMP packet") from error


def encode(data: bytes, codec: str) -> bytes:
    """UTF-8 `data` in the packet's own encoding; what a legacy encoding lacks becomes character references."""
    if codec == "utf-8":
        return data
    return data.decode("utf-8").encode(codec, "strict" if codec in _UNITS else "xmlcharrefreplace")


def _sniff(packet: bytes) -> str:
    for mark, codec in (
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if packet.startswith(mark):
            return codec
    zeros = tuple(byte == 0 for byte in packet[:4])
    guess = {
        (False, True, True, True): "utf-32-le",
        (True, True, True, False): "utf-32-be",
        (False, True, False, True): "utf-16-le",
        (True, False, True, False): "utf-16-be",
    }.get(zeros)  # type: ignore[arg-type]
    if guess:
        return guess
    if b"encoding" in packet[:200]:
        declared = _DECLARED.match(packet[:200])
        if declared:
            return _LEGACY.get(declared.group(1).decode("ascii").lower(), "utf-8")
    return "utf-8"


def trailer_start(data: bytes) -> int:
    """Where `<?xpacket end` begins, cut or whole; the length of `data` when there is none."""
    at = data.rfind(b"<?xpacket end")
    if at >= 0:
        return at
    cut = data.rfind(b"<")
    if cut >= 0 and b"<?xpacket end".startswith(data[cut:].rstrip(_EMPTYABLE)) and data.find(b"<") != cut:
        return cut
    return len(data)


def fit(data: bytes, frame: Frame, padding: int, size: Optional[int]) -> bytes:
    """The packet's final bytes: exactly `size` long when padding can make it so, else with `padding` fresh blanks.

    `padding` 0, or a packet without a wrapper, keeps the white space as it is when `size` cannot be kept.
    """
    at = trailer_start(data)
    wrapped = at < len(data)
    head = data[:at].rstrip(_BLANK if wrapped else _EMPTYABLE)
    trailer = data[at:].rstrip(b"\0") if wrapped else b""
    zeros = len(data) - len(data.rstrip(b"\0"))
    if wrapped and b"?>" not in trailer:
        # The segment's length cut the wrapper; what followed lies behind it and is not ours.
        trailer = TRAILER
    if size is not None:
        kept = _exact(head, data[len(head) : at], trailer, zeros, frame, size)
        if kept is not None:
            return kept
    if padding and wrapped:
        blank = b"\n" + _LINE * (padding // len(_LINE)) + b" " * (padding % len(_LINE)) + b"\n"
        data = head + blank + trailer + b"\0" * zeros
    elif wrapped:
        data = data[:at] + trailer + b"\0" * zeros
    return encode(data, frame.codec) + frame.rest


def _exact(head: bytes, blank: bytes, trailer: bytes, zeros: int, frame: Frame, size: int) -> Optional[bytes]:
    unit = _UNITS.get(frame.codec, 1)
    start, end = encode(head, frame.codec), encode(trailer, frame.codec)
    room, odd = divmod(size - len(start) - len(end) - len(frame.rest), unit)
    if room < 0 or odd:
        return None
    zeros = min(zeros, room)
    room -= zeros
    blank = blank.rstrip(b"\0")
    filling = blank[-room:] if room <= len(blank) else _grown(blank, room)
    return start + encode(filling if room else b"", frame.codec) + end + encode(b"\0" * zeros, frame.codec) + frame.rest


def _grown(blank: bytes, room: int) -> bytes:
    extra = room - len(blank)
    lines = (b"\n" + b" " * 99) * (extra // 100) + b" " * (extra % 100)
    return lines + blank


def wrap(rdf: bytes, padding: int) -> bytes:
    """A new UTF-8 packet around `rdf`, with about `padding` blanks."""
    blank = _LINE * (padding // len(_LINE))
    return HEADER + b"\n" + rdf + b"\n" + blank + TRAILER
