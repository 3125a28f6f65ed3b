"""Kind: what the suite has to know of a format: which rows it takes, and what in its bytes is not ours.

Not here: the formats' own structures (skeletons.py, box_skeletons.py) and the behaviours (test_*.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fixtures import expected
from tests.contract import box_skeletons, skeletons

Rows = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """`rows`: the single values that have to be in a written file. `skeleton`: everything in it that is not ours.

    `readers`: the programs that open such files, by their names in readers.py. `made`: the tags, as a regular
    expression, that come with a home for metadata where there was none.
    """

    name: str
    rows: Rows
    skeleton: Callable[[bytes], object]
    readers: tuple[str, ...]
    has_iptc: bool = False
    made: str = ""
    is_sidecar: bool = False

    @property
    def lists(self) -> Mapping[str, tuple[str, ...]]:
        return {name: items for name, items in expected.LISTS.items() if self.has_iptc or not name.startswith("IPTC:")}

    def has_home_for(self, tag: str) -> bool:
        """Whether the payload that holds a tag has a place in such files."""
        group = tag.partition(":")[0]
        if group in ("QuickTime", "Keys", "UserData", "ItemList"):
            return "QuickTime:CreateDate" in self.rows
        return group != "IPTC" or self.has_iptc

    def comes_with_a_home(self, name: str) -> bool:
        return re.fullmatch(self.made, name) is not None


JPEG = Kind("JPEG", expected.PHOTO, skeletons.jpeg, ("exiv2",), has_iptc=True)
PNG = Kind("PNG", expected.IMAGE, skeletons.png, ("exiv2", "pillow"))
WEBP = Kind("WebP", expected.IMAGE, skeletons.webp, ("exiv2", "pillow"), made="File:FileType")
TIFF = Kind("TIFF", expected.PHOTO, skeletons.tiff, ("exiv2", "pillow"), has_iptc=True)
DNG = Kind("DNG", expected.PHOTO, skeletons.tiff, ("exiv2",), has_iptc=True)
HEIF = Kind("HEIF", expected.IMAGE, box_skeletons.heif, ("heif", "pillow-heif"))
AVIF = Kind("AVIF", expected.IMAGE, box_skeletons.heif, ("heif", "pillow"))
JXL = Kind(
    "JPEG XL", expected.IMAGE, box_skeletons.jxl, (), made="File:FileType|Jpeg2000:.*Brands?|Jpeg2000:MinorVersion"
)
GIF = Kind("GIF", expected.GIF, skeletons.gif, ("pillow",), made="GIF:GIFVersion")
MOVIE = Kind("movie", expected.MOVIE, box_skeletons.movie, ("ffmpeg",), made="QuickTime:Handler.*")
SIDECAR = Kind("sidecar", expected.SIDECAR, lambda data: None, (), is_sidecar=True)

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("jpg",), JPEG),
    **dict.fromkeys(("png", "apng"), PNG),
    **dict.fromkeys(("webp",), WEBP),
    **dict.fromkeys(("tif", "tiff"), TIFF),
    **dict.fromkeys(("dng",), DNG),
    **dict.fromkeys(("heic", "heics", "heif", "hif"), HEIF),
    **dict.fromkeys(("avif",), AVIF),
    **dict.fromkeys(("jxl",), JXL),
    **dict.fromkeys(("gif",), GIF),
    **dict.fromkeys(("mp4", "m4v", "3gp", "mov"), MOVIE),
    **dict.fromkeys(("xmp",), SIDECAR),
}
