"""The head of a JPEG XL codestream (ISO/IEC 18181-1, Annex D): size and orientation.

Not here: the boxes around it (jxl.py).
"""

from __future__ import annotations

from typing import NamedTuple

from immich_meta_writers.errors import StructureError, TruncatedError

SIGNATURE = b"\xff\x0a"
# More bits than the fields in front of and with the orientation can take.
HEAD_BYTES = 16

# Width by height for each ratio code, as (multiplier, divisor).
_RATIOS = ((0, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_SIZE_BITS = (9, 13, 18, 30)


class Image(NamedTuple):
    """Width and height in pixels before the orientation (1-8, as in EXIF) is applied."""

    width: int
    height: int
    orientation: int


class _Bits:
    """Fields from the least significant bit of the first byte on (18181-1, B.2)."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise TruncatedError("the codestream ends in its header", place="codestream")
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        return value


def image(head: bytes) -> Image:
    """The image that the first 16 bytes of a codestream announce. Raises TruncatedError and StructureError."""
    if not head.startswith(SIGNATURE):
        raise StructureError("the codestream does not begin with FF 0A", place="codestream")
    bits = _Bits(head[2:])
    is_small = bits.take(1)
    height = _length(bits, is_small)
    multiplier, divisor = _RATIOS[bits.take(3)]
    width = height * multiplier // divisor if multiplier else _length(bits, is_small)
    # ImageMetadata: all_default, then extra_fields, then the orientation.
    orientation = 1 + bits.take(3) if not bits.take(1) and bits.take(1) else 1
    return Image(width, height, orientation)


def _length(bits: _Bits, is_small: int) -> int:
    if is_small:
        return 8 * (1 + bits.take(5))
    return 1 + bits.take(_SIZE_BITS[bits.take(2)])
