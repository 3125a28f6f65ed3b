"""The value codec of EXIF entries: raw bytes to our values, tolerantly, and back, through piexif.

Not here: where a value lies and where a new one goes (ifd/).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Optional

from immich_meta_writers.addresses import ExifAddress, ExifValue
from immich_meta_writers.errors import MetadataError
from immich_meta_writers.ifd import layout as ifd
from immich_meta_writers.ifd.draft import Encoded
from immich_meta_writers.ifd.tree import Tree

_NUMBERS: Mapping[int, str] = {
    ifd.BYTE: "B",
    ifd.SHORT: "H",
    ifd.LONG: "I",
    ifd.SBYTE: "b",
    ifd.UNDEFINED: "B",
    ifd.SSHORT: "h",
    ifd.SLONG: "i",
    ifd.FLOAT: "f",
    ifd.DOUBLE: "d",
    ifd.IFD: "I",
    ifd.LONG8: "Q",
    ifd.SLONG8: "q",
    ifd.IFD8: "Q",
}
_NUMBER_BYTES = {"B": 1, "H": 2, "I": 4, "b": 1, "h": 2, "i": 4, "f": 4, "d": 8, "Q": 8, "q": 8}
_TEXT_TYPES = (ifd.ASCII, ifd.UTF8, ifd.BYTE, ifd.UNDEFINED)
_LARGEST_LONG = 0xFFFFFFFF
_SECONDS_DENOMINATOR = 10000
_CODE_BYTES = 8


# ---------------------------------------------------------------- reading


def decode(address: ExifAddress, kind: int, raw: bytes, order: str) -> Optional[ExifValue]:
    """The value in the shape of `address`, whatever type the file gave it; None where it makes no sense."""
    if address.charset:
        return decode_comment(raw, order)
    if address.type == ifd.ASCII:
        return decode_text(raw) if kind in _TEXT_TYPES else None
    if address.type in (ifd.RATIONAL, ifd.SRATIONAL):
        return _decode_rationals(kind, raw, order)
    if address.type in (ifd.BYTE, ifd.UNDEFINED):
        return _decode_bytes(kind, raw, order)
    return _decode_int(kind, raw, order)


def decode_text(raw: bytes) -> str:
    """ASCII up to its NUL: UTF-8 when it is valid, else cp1252 (its five holes as Latin-1)."""
    raw = raw.partition(b"\0")[0]
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "".join([_decode_cp1252(byte) for byte in raw])


def _decode_cp1252(byte: int) -> str:
    try:
        return bytes((byte,)).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


def decode_comment(raw: bytes, order: str) -> str:
    """UserComment (Exif 3.0 section 4.6.6): a character code of 8 bytes, then text; blank padding is no
    comment.

    Codes padded with blanks, NUL followed by garbage (Canon ZoomBrowser) and no code at all are seen in
    files.
    """
    code, body = raw[:_CODE_BYTES], raw[_CODE_BYTES:]
    name = code.rstrip(b"\0 ")
    if len(raw) < _CODE_BYTES:
        text = decode_text(raw)
    elif name == b"UNICODE":
        text = _decode_utf16(body, order)
    elif name == b"JIS":
        text = _decode_jis(body)
    elif name in (b"", b"ASCII") or code[:1] == b"\0" or code[:6] == b"ASCII\0":
        text = decode_text(body)
    else:
        text = decode_text(raw)
    return text.partition("\0")[0].rstrip()


def _decode_utf16(body: bytes, order: str) -> str:
    """UTF-16 with or without a byte order mark; many writers ignore the order of the block."""
    body = body[: len(body) & ~1]
    if body[:2] in (b"\xfe\xff", b"\xff\xfe"):
        order, body = (">" if body[:2] == b"\xfe\xff" else "<"), body[2:]
    elif _looks_swapped(struct.unpack(f"{order}{len(body) // 2}H", body)):
        order = "<" if order == ">" else ">"
    return body.decode("utf-16-be" if order == ">" else "utf-16-le", "replace")


def _looks_swapped(units: tuple[int, ...]) -> bool:
    """ExifTool's rule: the byte with more distinct values is the low one; on a tie the high one is zero
    more often.
    """
    high, low = {unit >> 8 for unit in units}, {unit & 0xFF for unit in units}
    if len(high) != len(low):
        return len(high) > len(low)
    return sum(not unit & 0xFF for unit in units) > sum(not unit >> 8 for unit in units)


def _decode_jis(body: bytes) -> str:
    body = body.rstrip(b"\0 ")
    for codec in ("iso2022_jp", "shift_jis", "euc_jp"):
        try:
            return body.decode(codec)
        except UnicodeDecodeError:
            continue
    return body.decode("shift_jis", "replace")


def _numbers(kind: int, raw: bytes, order: str) -> tuple[Any, ...]:
    code = _NUMBERS.get(kind)
    if code is None:
        return ()
    count = len(raw) // _NUMBER_BYTES[code]
    return struct.unpack(f"{order}{count}{code}", raw)


def _decode_int(kind: int, raw: bytes, order: str) -> Optional[int]:
    if kind in (ifd.ASCII, ifd.UTF8):
        text = decode_text(raw).strip()
        digits = text[1:] if text[:1] in ("-", "+") else text
        return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
    if kind in (ifd.RATIONAL, ifd.SRATIONAL):
        fractions = _decode_rationals(kind, raw, order)
        return fractions[0].numerator if fractions and fractions[0].denominator == 1 else None
    numbers = _numbers(kind, raw, order)
    if not numbers or kind in (ifd.FLOAT, ifd.DOUBLE):
        return int(numbers[0]) if numbers and float(numbers[0]).is_integer() else None
    return int(numbers[0])


def _decode_bytes(kind: int, raw: bytes, order: str) -> Optional[bytes]:
    if kind in (ifd.ASCII, ifd.UTF8):
        # GPSVersionID as `2.2.0.0`, GPSAltitudeRef as `0`.
        parts = decode_text(raw).strip().replace(".", " ").split()
        if all(part.isascii() and part.isdigit() and len(part) < 4 and int(part) < 256 for part in parts):
            return bytes(int(part) for part in parts)
        return raw.partition(b"\0")[0]
    if kind in (ifd.BYTE, ifd.UNDEFINED, ifd.SBYTE):
        return raw
    numbers = _numbers(kind, raw, order)
    return bytes(numbers) if numbers and all(n in range(256) for n in numbers) else None


def _decode_rationals(kind: int, raw: bytes, order: str) -> Optional[tuple[Fraction, ...]]:
    if kind in (ifd.RATIONAL, ifd.SRATIONAL):
        code = "I" if kind == ifd.RATIONAL else "i"
        longs = struct.unpack(f"{order}{len(raw) // 4}{code}", raw)
        if not longs or 0 in longs[1::2]:
            return None
        return tuple([Fraction(n, d) for n, d in zip(longs[::2], longs[1::2])])
    numbers = _numbers(kind, raw, order)
    if not numbers or not all(math.isfinite(number) for number in numbers):
        return None
    return tuple([Fraction(number) for number in numbers])


# ---------------------------------------------------------------- writing


_GROUPS: Mapping[str, str] = {"IFD0": "0th", "ExifIFD": "Exif", "GPS": "GPS"}
# Tags of a known type through which piexif encodes the value of a tag that it does not know.
_CARRIERS: Mapping[int, tuple[str, int]] = {
    ifd.BYTE: ("GPS", 0x0000),
    ifd.ASCII: ("0th", 0x010E),
    ifd.SHORT: ("0th", 0x0112),
    ifd.LONG: ("0th", 0x0100),
    ifd.RATIONAL: ("0th", 0x011A),
    ifd.UNDEFINED: ("Exif", 0x9286),
}


def encode(values: Mapping[ExifAddress, ExifValue], order: str) -> dict[ExifAddress, Encoded]:
    """Type, count and bytes of each value, in the block's byte order, as piexif encodes them.

    Raises MetadataError for a value that its type cannot hold: a number out of range, a NUL or half a
    surrogate pair in a text, a negative or too large rational.
    """
    if not values:
        return {}
    import piexif

    together: dict[str, dict[int, Any]] = {"0th": {}, "Exif": {}, "GPS": {}}
    alone: list[tuple[ExifAddress, str, int, Any]] = []
    places: list[tuple[ExifAddress, str, int]] = []
    for address, value in values.items():
        plain = _for_piexif(address, value)
        group = _GROUPS[address.ifd]
        if piexif.TAGS[group].get(address.tag, {}).get("type") == address.type:
            together[group][address.tag] = plain
            places.append((address, group, address.tag))
        else:
            alone.append((address, *_CARRIERS[address.type], plain))
    raws = _dump(piexif, together, places)
    for address, group, tag, plain in alone:
        raws.update(_dump(piexif, {group: {tag: plain}}, [(address, group, tag)]))
    return {address: _turn(address, raws[address], order) for address in values}


def _dump(
    piexif: Any, values: Mapping[str, Mapping[int, Any]], places: list[tuple[ExifAddress, str, int]]
) -> dict[ExifAddress, bytes]:
    """piexif's own block of these values, taken apart again: it is big-endian and its structure is not
    used.
    """
    if not places:
        return {}
    dumped = Tree.read(piexif.dump({"Exif": {}, **values})[6:], may_be_big=False)
    names = {group: name for name, group in _GROUPS.items()}
    return {address: dumped.raw((names[group], tag)) or b"" for address, group, tag in places}


def _for_piexif(address: ExifAddress, value: ExifValue) -> Any:
    """The value as piexif wants it, checked: its own complaints name neither tag nor value."""
    place = f"{address.ifd}:0x{address.tag:04x}"
    if isinstance(value, str):
        return _comment(value, place) if address.charset else _utf8(value, place)
    if isinstance(value, bytes):
        return tuple(value) if address.type == ifd.BYTE else value
    if isinstance(value, int):
        largest = 0xFFFF if address.type == ifd.SHORT else _LARGEST_LONG
        if not 0 <= value <= largest:
            raise MetadataError(f"{value} is outside of 0 to {largest}", place=place)
        return value
    return _rationals(address, value, place)


def _utf8(text: str, place: str) -> bytes:
    try:
        encoded = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise MetadataError(f"the text is not valid Unicode: {error.reason}", place=place) from error
    if b"\0" in encoded:
        raise MetadataError("the text contains a NUL character", place=place)
    return encoded


def _comment(text: str, place: str) -> bytes:
    """`UNICODE` and UTF-16; a byte order mark only where readers that guess the order would guess wrong."""
    from piexif.helper import UserComment

    _utf8(text, place)
    encoded = text.encode("utf-16-be")
    units = struct.unpack(f">{len(encoded) // 2}H", encoded)
    mark = "\ufeff" if text[:1] in ("\ufeff", "\ufffe") or _looks_swapped(units) else ""
    dumped: bytes = UserComment.dump(mark + text, "unicode")
    return dumped


def _rationals(address: ExifAddress, value: tuple[Fraction, ...], place: str) -> tuple[tuple[int, int], ...]:
    pairs = []
    for position, number in enumerate(value):
        number = Fraction(number).limit_denominator(_LARGEST_LONG)
        if number < 0 or number.numerator > _LARGEST_LONG:
            raise MetadataError(f"{float(number)} does not fit into a rational", place=place)
        top, bottom = number.numerator, number.denominator
        # Seconds of arc carry their precision: 30 is written as 300000/10000.
        if address.ifd == "GPS" and position == 2 and bottom < _SECONDS_DENOMINATOR:
            scale = -(-_SECONDS_DENOMINATOR // bottom)
            if top * scale <= _LARGEST_LONG:
                top, bottom = top * scale, bottom * scale
        pairs.append((top, bottom))
    if not pairs:
        raise MetadataError("no rational at all", place=place)
    return tuple(pairs)


def _turn(address: ExifAddress, raw: bytes, order: str) -> Encoded:
    """From piexif's big-endian order into the block's, element by element."""
    count = len(raw) // ifd.TYPE_BYTES[address.type]
    if order == "<":
        if address.charset:
            raw = raw[:_CODE_BYTES] + _swap(raw[_CODE_BYTES:], "H")
        elif address.type == ifd.SHORT:
            raw = _swap(raw, "H")
        elif address.type in (ifd.LONG, ifd.RATIONAL):
            raw = _swap(raw, "I")
    return Encoded(address.type, count, raw)


def _swap(raw: bytes, code: str) -> bytes:
    count = len(raw) // struct.calcsize(f"={code}")
    return struct.pack(f"<{count}{code}", *struct.unpack(f">{count}{code}", raw))
