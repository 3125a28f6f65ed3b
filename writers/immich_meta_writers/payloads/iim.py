"""IPTC IIM 4.2 records as bytes: datasets, their order, and the character set of their text.

Not here: which values are wanted (iptc.py) and where a file keeps its records (photoshop.py, containers/).
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import NamedTuple, Optional

from immich_meta_writers.errors import IptcError

TAG_MARKER = 0x1C
CHARSET = (1, 90)
VERSION = (2, 0)
UTF8_MARK = b"\x1b%G"
UNMARKED, UNKNOWN = "", "?"
# No block of a photo has more; each costs 200 bytes of memory.
MAX_DATASETS = 65536
_MAX_SHORT = 0x7FFF

# Text in record 2 by IIM 4.2, chapter 6. Digits (dates, urgency) are ASCII in every character set.
# fmt: off
_TEXT = frozenset({
    3, 4, 5, 7, 12, 15, 20, 22, 25, 26, 27, 35, 38, 40, 45, 60, 63, 65, 70, 75, 80, 85, 90, 92, 95, 100, 101,
    103, 105, 110, 115, 116, 118, 120, 122, 130, 131, 135, 150, 154,
})
# fmt: on
# Not in IIM, but documented as text (ExifTool, IPTC.pm) and decoded by readers as the mark says. Only when
# the bytes look like text: a program's private binary data under one of these numbers stays as it is.
_TEXT_BY_CUSTOM = frozenset({121, 184, 185, 186, 187, 188, 221, 225, 228, 230, 231, 232, 255})
_BINARY_BYTES = frozenset(range(32)) - {9, 10, 13}

# ISO 2022 designations (ISO-IR numbers in IIM 4.2, appendix C) of G1 (`-`) and G2 (`.`).
_DESIGNATED = {
    "A": "cp1252",  # ISO 8859-1; bytes 80-9F in it are Windows' in practice
    "B": "iso8859_2",
    "C": "iso8859_3",
    "D": "iso8859_4",
    "L": "iso8859_5",
    "G": "iso8859_6",
    "F": "iso8859_7",
    "H": "iso8859_8",
    "M": "iso8859_9",
    "V": "iso8859_10",
    "T": "iso8859_11",
    "Y": "iso8859_13",
    "_": "iso8859_14",
    "b": "iso8859_15",
    "f": "iso8859_16",
}
# cp1252 leaves five bytes undefined: they are taken as code points, so that every byte decodes.
_CP1252 = "".join(
    chr(byte) if byte in b"\x81\x8d\x8f\x90\x9d" else bytes([byte]).decode("cp1252") for byte in range(256)
)


class Dataset(NamedTuple):
    """One dataset. `raw`: all of its bytes as found, marker and length included."""

    record: int
    number: int
    raw: bytes
    data: bytes

    @property
    def key(self) -> tuple[int, int]:
        return self.record, self.number


class Records(NamedTuple):
    """One IIM block. `tail`: what follows the last dataset; `charset`: a codec, UNMARKED or UNKNOWN."""

    datasets: tuple[Dataset, ...]
    tail: bytes
    charset: str


def split(iim: bytes) -> Records:
    """The datasets of an IIM block (IIM 4.2, 1.5.2 and 1.5.3). What does not begin like a dataset ends them.

    Raises IptcError when a dataset runs past the end, and when the block begins with something else.
    """
    found: list[Dataset] = []
    charset, position, end = UNMARKED, 0, len(iim)
    while position + 5 <= end and iim[position] == TAG_MARKER:
        record, number = iim[position + 1], iim[position + 2]
        length = iim[position + 3] << 8 | iim[position + 4]
        start = position + 5
        if length & 0x8000:
            count = length & 0x7FFF
            length = int.from_bytes(iim[start : start + count], "big") if count <= 8 else end
            start += count
        if start + length > end:
            raise IptcError(f"dataset {record}:{number} runs past the end of the block", place=f"IPTC, byte {position}")
        data = iim[start : start + length]
        found.append(Dataset(record, number, iim[position : start + length], data))
        if record == 1 and number == 90 and charset == UNMARKED:
            charset = named_charset(data)
        position = start + length
        if len(found) > MAX_DATASETS:
            raise IptcError("more datasets than any photo has", place=f"IPTC, byte {position}")
    tail = iim[position:]
    if not found and tail.strip(b"\0"):
        raise IptcError("the block does not begin with a dataset", place="IPTC, byte 0")
    return Records(tuple(found), tail, charset)


def named_charset(mark: bytes) -> str:
    """The codec that 1:90 names; UNMARKED when it names none, UNKNOWN when it is not understood."""
    codec = UNMARKED
    for escape in mark.strip(b"\0 ").split(b"\x1b")[1:]:
        text = escape.decode("latin-1").strip()
        if text in ("%G", "%/G", "%/H", "%/I"):
            codec = "utf-8"
        elif len(text) == 2 and text[0] in "-." and text[1] in _DESIGNATED:
            codec = _DESIGNATED[text[1]]
        elif text != "(B":  # G0 = ASCII says nothing
            return UNKNOWN
    if codec == UNMARKED and mark.strip(b"\0 \x1b(B"):
        return UNKNOWN
    return codec


def decoded(data: bytes, charset: str) -> Optional[str]:
    """The text of a dataset, or None when its bytes are none in that character set.

    Unmarked text is UTF-8 when it can be, else cp1252. Trailing NULs, which some programs add, are not text.
    """
    data = data.rstrip(b"\0")
    if data.isascii():
        return data.decode("ascii")
    if charset == UNKNOWN:
        return None
    if charset == "cp1252":
        return codecs.charmap_decode(data, "strict", _CP1252)[0]
    try:
        return data.decode(charset or "utf-8")
    except UnicodeDecodeError:
        return decoded(data, "cp1252") if charset == UNMARKED else None


def is_text(dataset: Dataset) -> bool:
    """Whether a dataset is text, so that it has to follow the character set of the block."""
    if dataset.record != 2:
        return False
    if dataset.number in _TEXT:
        return True
    return dataset.number in _TEXT_BY_CUSTOM and _BINARY_BYTES.isdisjoint(dataset.data.rstrip(b"\0"))


def undecodable(records: Records) -> Optional[str]:
    """The first text dataset that cannot be decoded, in words."""
    if records.charset == UNMARKED:
        return None
    for dataset in records.datasets:
        if not dataset.data.isascii() and is_text(dataset) and decoded(dataset.data, records.charset) is None:
            return f"IPTC {dataset.record}:{dataset.number} is not text in the character set that 1:90 names"
    return None


def as_utf8(dataset: Dataset, charset: str) -> bytes:
    """The bytes of a dataset in a block that becomes UTF-8: only text that is not so already changes.

    The caller has refused a block with text that is undecodable.
    """
    if dataset.data.isascii() or charset == "utf-8" or not is_text(dataset):
        return dataset.raw
    text = decoded(dataset.data, charset)
    data = b"" if text is None else text.encode("utf-8")
    if text is None or data == dataset.data.rstrip(b"\0"):
        return dataset.raw
    return packed(dataset.record, dataset.number, data)


def packed(record: int, number: int, data: bytes) -> bytes:
    """A dataset's bytes; beyond 32,767 bytes of data an extended one (IIM 4.2, 1.5.3)."""
    if len(data) <= _MAX_SHORT:
        length = len(data).to_bytes(2, "big")
    else:
        length = b"\x80\x04" + len(data).to_bytes(4, "big")
    return bytes([TAG_MARKER, record, number]) + length + data


def encoded(record: int, number: int, text: str) -> bytes:
    """A dataset that holds `text` as UTF-8, as iptcinfo3 packs it; what it does not know is packed here."""
    import iptcinfo3  # 40 ms: only when something is written

    data = text.encode("utf-8")
    if record != 2 or number not in iptcinfo3.c_datasets or not 0 < len(data) <= _MAX_SHORT:
        return packed(record, number, data)
    # Its __init__ reads a whole file, which it must never see; and it writes 2:00, of 7 bytes, in front.
    encoder = iptcinfo3.IPTCInfo.__new__(iptcinfo3.IPTCInfo)
    encoder.inp_charset = encoder.out_charset = "utf-8"
    encoder._data = iptcinfo3.IPTCData({number: text})
    return bytes(encoder.packedIIMData()[7:])


def place(datasets: Sequence[Dataset], key: tuple[int, int]) -> int:
    """The index at which a new dataset goes: behind its like, else in front of the first greater one."""
    for index in range(len(datasets) - 1, -1, -1):
        if datasets[index].key == key:
            return index + 1
    return next((index for index, dataset in enumerate(datasets) if dataset.key > key), len(datasets))
