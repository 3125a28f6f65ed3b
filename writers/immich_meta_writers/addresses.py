"""Where a tag lives inside a payload, and the shapes of its value.

Not here: which field goes to which tag (tags.py) and how a payload is parsed (payloads/).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Optional, Union


@dataclass(frozen=True)
class ExifAddress:
    """An IFD entry. `ifd` is IFD0, ExifIFD or GPS; `tag` and `type` are numbers of TIFF 6.0 section 2.

    Values: SHORT/LONG as int, ASCII as str (UTF-8, without its NUL), RATIONAL as a tuple of Fraction,
    BYTE/UNDEFINED as bytes; `charset` marks UserComment (EXIF 3.0, 4.6.6): 8 bytes of code, then text, as str.
    """

    ifd: str
    tag: int
    type: int
    charset: bool = False


@dataclass(frozen=True)
class IimAddress:
    """A dataset of IPTC IIM 4.2. Values: str, or a tuple of str when `repeatable`; at most `max_bytes` of UTF-8."""

    record: int
    dataset: int
    max_bytes: int
    repeatable: bool = False


@dataclass(frozen=True)
class QuickTimeAddress:
    """A value of a movie (QuickTime File Format; ISO/IEC 14496-12, 8.2.2 ff).

    `box`: mvhd, tkhd or mdhd (those of every track), keys (moov/meta), udta, or ilst (udta/meta). `name`: `creation` or
    `modification` in a header, else the name of the key or the four characters of the atom.
    Values: in headers a tuple of str, one for each box, `2021:06:15 10:34:56` in UTC, zeros when unset (to write: one
    str for all); else str.
    """

    box: str
    name: str


class XmpKind(Enum):
    """How a property is held (XMP part 1, section 7.7 ff)."""

    SIMPLE = "simple"
    BAG = "Bag"
    SEQ = "Seq"
    ALT = "Alt"
    REGIONS = "regions"


@dataclass(frozen=True)
class XmpAddress:
    """A property: found by URI and local name, never by prefix; `prefix` is what a new one is given.

    `also` lists other URIs under which the world writes the same property.
    Values: SIMPLE str; BAG and SEQ tuple of str; ALT a LangAlt (to write: the str of x-default);
    REGIONS a RegionInfo (to write: a RegionEdit).
    """

    uri: str
    name: str
    prefix: str
    kind: XmpKind
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class LangAlt:
    """A language alternative: (language, text) in the file's order."""

    items: tuple[tuple[str, str], ...]

    @property
    def default(self) -> Optional[str]:
        """The x-default text; without one, the first."""
        for language, text in self.items:
            if language.lower() == "x-default":
                return text
        return self.items[0][1] if self.items else None


@dataclass(frozen=True)
class StoredRegion:
    """One region of a file (MWG 2.0, 5.9): in the stored raster, centre-based, 0-1, any type, maybe without an area."""

    name: str
    type: str
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class RegionInfo:
    """mwg-rs:Regions as found: AppliedToDimensions (width, height) in pixels, and the list in the file's order."""

    applied: Optional[tuple[float, float]]
    regions: tuple[StoredRegion, ...]


@dataclass(frozen=True)
class RegionEdit:
    """What becomes of a region list: every region that is not named here keeps its bytes.

    `removed` and `moved` count positions in RegionInfo.regions; `applied` None keeps the file's dimensions.
    The list is dropped with its last region.
    """

    removed: tuple[int, ...] = ()
    moved: tuple[tuple[int, StoredRegion], ...] = ()
    added: tuple[StoredRegion, ...] = ()
    applied: Optional[tuple[int, int]] = None


Address = Union[ExifAddress, IimAddress, QuickTimeAddress, XmpAddress]
ExifValue = Union[int, str, bytes, tuple[Fraction, ...]]
XmpValue = Union[str, tuple[str, ...], LangAlt, RegionInfo]
XmpEdit = Union[str, tuple[str, ...], RegionEdit]
IimValue = Union[str, tuple[str, ...]]
QuickTimeValue = Union[str, tuple[str, ...]]
Value = Union[ExifValue, XmpValue]
