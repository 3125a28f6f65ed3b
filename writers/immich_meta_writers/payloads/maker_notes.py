"""The little that has to be known of maker notes: pointers that lead out of them.

Not here: what they say. A maker note is one opaque value that never moves; its inner offsets count from the
TIFF header (most makers) or from itself, so they stay true as long as nothing in front of their target
moves.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from immich_meta_writers.addresses import ExifAddress
from immich_meta_writers.ifd.layout import ASCII, CLASSIC, IFD, LONG, TYPE_BYTES
from immich_meta_writers.ifd.table import Entry, read_ifd, read_short, value_bytes, value_span
from immich_meta_writers.payloads.exif_block import ExifBlock
from immich_meta_writers.source import ByteView

MAKER_NOTE = 0x927C
_MAKE = ExifAddress("IFD0", 0x010F, ASCII)
_MINOLTA = re.compile(r"\s*(konica|minolta)", re.IGNORECASE)
# Minolta notes that are not a bare IFD (ExifTool, MakerNotes.pm).
_NOT_AN_IFD = (b"MINOL", b"CAMER", b"MLY0", b"KC", b"+M+M", b"\xd7")
_PREVIEW, _PREVIEW_START = 0x0081, 0x0088

# Where makers begin their table (bare; OLYMP, FUJI..., Panasonic, Nikon with a TIFF header of its own at 10).
_TABLE_STARTS = (0, 6, 8, 10, 12, 14, 16, 18, 20, 26, 28)
_LARGEST_TABLE = 400
_ENTRY_BYTES = 12
_TABLE_REACH = _TABLE_STARTS[-1] + 2 + _ENTRY_BYTES * _LARGEST_TABLE
# Nikon's preview and NikonScan; Olympus's equipment to raw info.
_SUB_IFDS = frozenset({0x0011, 0x0E10, 0x2010, 0x2020, 0x2030, 0x2031, 0x2040, 0x2050})
_SMALLEST_IFD = 6


def shift_maker_note(block: ExifBlock, *, behind: int, growth: int) -> bytes:
    """The block with a Minolta / Konica Minolta maker note's preview pointers moved.

    These cameras store the preview behind the picture and point to it, counting from the TIFF header.
    `behind` is the length of the block **before** the graft: only pointers at or past it move. `growth` is
    by how many bytes (more or fewer) everything behind the block moves in the file, counted from the TIFF
    header: the block's own growth plus that of every segment between it and the preview; what is inserted
    before the block does not count. Any other block, and a growth of 0, come back as they are. Raises
    TypeError for a TIFF file: nothing in it moves.
    """
    old = block.data
    if not isinstance(old, bytes):
        raise TypeError("only a block inside of another file moves")
    span = _note_span(block)
    make = block.get(_MAKE)
    if growth == 0 or span is None or not isinstance(make, str) or not _MINOLTA.match(make):
        return old
    start, end = span
    table = None if old[start:end].startswith(_NOT_AN_IFD) else read_ifd(old, block.layout, start)
    if table is None or table.is_cut or table.entries_end > end:
        return old
    data = bytearray(old)
    for index, entry in enumerate(table.entries):
        is_offset = (entry[0] == _PREVIEW and value_bytes(entry, block.layout) > 4) or (
            entry[0] == _PREVIEW_START and entry[1] == LONG and entry[2] == 1
        )
        target = block.layout.read_offset(entry[3])
        if is_offset and target >= behind and 0 <= target + growth <= 0xFFFFFFFF:
            place = table.offset + 2 + _ENTRY_BYTES * index + 8
            data[place : place + 4] = block.layout.pack_offset(target + growth)
    return bytes(data)


@dataclass(frozen=True)
class NotePins:
    """What the maker note of a block leads to, for the editor of tables (ifd.ground.Pins)."""

    block: ExifBlock

    def escapes(self) -> list[tuple[int, int]]:
        """Bytes outside of the maker note that its table refers to, as (start, end).

        A Nikon preview IFD just behind the note, inside of a blank UserComment; a Minolta value that runs on
        into it: seen. Where the table begins and what its offsets count from is guessed: right is what leads
        most values into the note.
        """
        span = _note_span(self.block)
        if span is None:
            return []
        best: tuple[int, list[tuple[int, int]]] = (0, [])
        for base, order, entries in _readings(self.block):
            values = _values(base, order, entries)
            inside = sum(span[0] <= start and end <= span[1] for start, end in values)
            if inside > best[0]:
                best = inside, values + _nested(base, order, entries)
        limit = len(self.block.data)
        return [(start, end) for start, end in best[1] if start < limit and not (span[0] <= start and end <= span[1])]

    def reach(self, limit: int) -> int:
        """The furthest offset, up to `limit`, that a table inside the maker note seems to point to; 0 without
        any.

        A guess on the safe side: every way to read the note counts, and every number may be an offset or a
        length.
        """
        furthest = 0
        for base, order, entries in _readings(self.block):
            for end in _ends(self.block.data, order, entries, base):
                if furthest < end <= limit:
                    furthest = end
        return furthest


def _values(base: int, order: str, entries: list[Entry]) -> list[tuple[int, int]]:
    spans = [value_span(entry, CLASSIC[order]) for entry in entries]
    return [(base + span[0], base + span[1]) for span in spans if span is not None]


def _nested(base: int, order: str, entries: list[Entry]) -> list[tuple[int, int]]:
    """The first bytes of tables that the note has elsewhere: enough to keep an empty one empty."""
    starts = [
        base + CLASSIC[order].read_offset(entry[3])
        for entry in entries
        if entry[0] in _SUB_IFDS and entry[1] in (LONG, IFD) and entry[2] == 1
    ]
    return [(start, start + _SMALLEST_IFD) for start in starts]


def _readings(block: ExifBlock) -> Iterator[tuple[int, str, list[Entry]]]:
    """Each way to read the note: what its offsets count from, its byte order, the entries of its table.

    Offsets count from the block's TIFF header, from the note, from the table, or from a TIFF header inside
    the note.
    """
    span = _note_span(block)
    note = block.data[span[0] : min(span[1], span[0] + _TABLE_REACH)] if span is not None else b""
    for inner in _TABLE_STARTS:
        for order in (block.order, "<" if block.order == ">" else ">"):
            entries = _plausible_table(note, order, inner)
            if span is None or not entries:
                continue
            for base in sorted({0, span[0], span[0] + inner, span[0] + max(0, inner - 8)}):
                yield base, order, entries


def _note_span(block: ExifBlock) -> Optional[tuple[int, int]]:
    table = block.ifds.get("ExifIFD")
    entry = table.by_tag.get(MAKER_NOTE) if table is not None else None
    span = value_span(entry, block.layout) if entry is not None else None
    if span is None or span[0] >= len(block.data):
        return None
    return span[0], min(span[1], len(block.data))


def _ends(data: ByteView, order: str, entries: list[Entry], base: int) -> Iterator[int]:
    """Ends of everything that entries could point to: values, starts, and starts with the neighbour's
    length.
    """
    starts = [base + CLASSIC[order].read_offset(entry[3]) for entry in entries if entry[0] in _SUB_IFDS]
    for table in [read_ifd(data, CLASSIC[order], start) for start in starts]:
        if table is not None and len(table.entries) <= _LARGEST_TABLE:
            entries = [*entries, *table.entries]
    previous = 0
    for entry in entries:
        span = value_span(entry, CLASSIC[order])
        if span is not None:
            yield base + span[1]
        number = CLASSIC[order].read_offset(entry[3]) if entry[1] == LONG and entry[2] == 1 else 0
        if number:
            yield base + number
            yield base + previous + number
        previous = number


def _plausible_table(note: bytes, order: str, inner: int) -> list[Entry]:
    if inner + 2 > len(note):
        return []
    count = read_short(note[inner : inner + 2], order)
    end = inner + 2 + _ENTRY_BYTES * count
    if not 0 < count <= _LARGEST_TABLE or end > len(note):
        return []
    entries = list(struct.iter_unpack(order + "HHI4s", note[inner + 2 : end]))
    known = sum(entry[1] in TYPE_BYTES for entry in entries)
    return [(e[0], e[1], e[2], e[3]) for e in entries] if 4 * known >= 3 * count else []
