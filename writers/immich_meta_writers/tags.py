"""THE table: which field of PhotoMetadata goes to which tag, and in which kinds of file a tag is created.

Not here: when a value gives way to another (merge/) and how it is encoded (payloads/).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Optional

from immich_meta_writers.addresses import Address, ExifAddress, IimAddress, QuickTimeAddress, XmpAddress, XmpKind

DC = "http://purl.org/dc/elements/1.1/"
XMP = "http://ns.adobe.com/xap/1.0/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
TIFF = "http://ns.adobe.com/tiff/1.0/"
EXIF = "http://ns.adobe.com/exif/1.0/"
IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
DIGIKAM = "http://www.digikam.org/ns/1.0/"
MWG_REGIONS = "http://www.metadataworkinggroup.com/schemas/regions/"
FSTOP = "http://www.fstopapp.com/xmp/"
IMMICH_META = "http://ns.immich-meta.org/1.0/"
MICROSOFT = "http://ns.microsoft.com/photo/1.0/"
MICROSOFT_NO_SLASH = "http://ns.microsoft.com/photo/1.0"

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7


class FileKind(Enum):
    """The columns of the tag contract."""

    IMAGE = "img"
    VIDEO = "vid"
    SIDECAR = "car"
    GIF = "gif"


class Module(Enum):
    """The switches of the sync, and the first word of every provenance record."""

    PEOPLE = "people"
    GPS = "gps"
    CAPTION = "caption"
    TIME = "time"
    RATING = "rating"
    ALBUMS = "albums"
    FACES = "faces"
    TAGS = "tags"


@dataclass(frozen=True)
class Tag:
    """One row. `name` is ExifTool's (-G1); a tag outside of its `created_in` is updated where it stands, not made."""

    name: str
    modules: tuple[Module, ...]
    address: Address
    created_in: frozenset[FileKind]


_ALL = frozenset(FileKind)
_IMAGE = frozenset({FileKind.IMAGE})
_VIDEO = frozenset({FileKind.VIDEO})
_NO_EXIF_HOME = frozenset({FileKind.VIDEO, FileKind.SIDECAR, FileKind.GIF})
_SIDECAR = frozenset({FileKind.SIDECAR})
_NOWHERE: frozenset[FileKind] = frozenset()


def _exif(group: str, name: str, number: int, kind: int, *modules: Module) -> Tag:
    return Tag(f"{group}:{name}", modules, ExifAddress(group, number, kind, number == 0x9286), _IMAGE)


def _iptc(name: str, dataset: int, max_bytes: int, *modules: Module, repeatable: bool = False) -> Tag:
    return Tag(f"IPTC:{name}", modules, IimAddress(2, dataset, max_bytes, repeatable), _IMAGE)


def _movie(
    name: str, box: str, local: str, *modules: Module, created_in: frozenset[FileKind] = _NOWHERE
) -> Tag:
    return Tag(name, modules, QuickTimeAddress(box, local), created_in)


def _xmp(
    name: str,
    uri: str,
    prefix: str,
    local: str,
    kind: XmpKind,
    *modules: Module,
    created_in: frozenset[FileKind] = _ALL,
    also: tuple[str, ...] = (),
) -> Tag:
    return Tag(name, modules, XmpAddress(uri, local, prefix, kind, also), created_in)


_P, _G, _C, _T = Module.PEOPLE, Module.GPS, Module.CAPTION, Module.TIME
_R, _A, _F, _K = Module.RATING, Module.ALBUMS, Module.FACES, Module.TAGS
_SIMPLE, _BAG, _SEQ, _ALT = XmpKind.SIMPLE, XmpKind.BAG, XmpKind.SEQ, XmpKind.ALT

TABLE: tuple[Tag, ...] = (
    # people, and the leaves of tags
    _xmp("XMP-dc:Subject", DC, "dc", "subject", _BAG, _P, _K),
    _iptc("Keywords", 25, 64, _P, _K, repeatable=True),
    _xmp("XMP-iptcExt:PersonInImage", IPTC_EXT, "Iptc4xmpExt", "PersonInImage", _BAG, _P),
    # gps
    _exif("GPS", "GPSVersionID", 0x0000, BYTE, _G),
    _exif("GPS", "GPSLatitudeRef", 0x0001, ASCII, _G),
    _exif("GPS", "GPSLatitude", 0x0002, RATIONAL, _G),
    _exif("GPS", "GPSLongitudeRef", 0x0003, ASCII, _G),
    _exif("GPS", "GPSLongitude", 0x0004, RATIONAL, _G),
    _exif("GPS", "GPSAltitudeRef", 0x0005, BYTE, _G),
    _exif("GPS", "GPSAltitude", 0x0006, RATIONAL, _G),
    _xmp("XMP-exif:GPSLatitude", EXIF, "exif", "GPSLatitude", _SIMPLE, _G, created_in=_NO_EXIF_HOME),
    _xmp("XMP-exif:GPSLongitude", EXIF, "exif", "GPSLongitude", _SIMPLE, _G, created_in=_NO_EXIF_HOME),
    _xmp("XMP-exif:GPSAltitude", EXIF, "exif", "GPSAltitude", _SIMPLE, _G, created_in=_NO_EXIF_HOME),
    _xmp("XMP-exif:GPSAltitudeRef", EXIF, "exif", "GPSAltitudeRef", _SIMPLE, _G, created_in=_NO_EXIF_HOME),
    _movie("Keys:GPSCoordinates", "keys", "com.apple.quicktime.location.ISO6709", _G, created_in=_VIDEO),
    _movie("UserData:GPSCoordinates", "udta", "\xa9xyz", _G),
    _movie("ItemList:GPSCoordinates", "ilst", "\xa9xyz", _G),
    _movie("UserData:LocationInformation", "udta", "loci", _G),
    # caption
    _xmp("XMP-dc:Description", DC, "dc", "description", _ALT, _C),
    _iptc("Caption-Abstract", 120, 2000, _C),
    _exif("IFD0", "ImageDescription", 0x010E, ASCII, _C),
    _xmp("XMP-tiff:ImageDescription", TIFF, "tiff", "ImageDescription", _ALT, _C, created_in=_SIDECAR),
    _movie("Keys:Description", "keys", "com.apple.quicktime.description", _C, created_in=_VIDEO),
    _movie("ItemList:Description", "ilst", "desc", _C),
    _movie("UserData:Description", "udta", "dscp", _C),
    # time
    _exif("ExifIFD", "DateTimeOriginal", 0x9003, ASCII, _T),
    _exif("ExifIFD", "CreateDate", 0x9004, ASCII, _T),
    _exif("IFD0", "ModifyDate", 0x0132, ASCII, _T),
    _exif("ExifIFD", "OffsetTimeOriginal", 0x9011, ASCII, _T),
    _exif("ExifIFD", "OffsetTimeDigitized", 0x9012, ASCII, _T),
    _exif("ExifIFD", "OffsetTime", 0x9010, ASCII, _T),
    _xmp("XMP-xmp:CreateDate", XMP, "xmp", "CreateDate", _SIMPLE, _T),
    _xmp("XMP-xmp:ModifyDate", XMP, "xmp", "ModifyDate", _SIMPLE, _T),
    _xmp("XMP-xmp:MetadataDate", XMP, "xmp", "MetadataDate", _SIMPLE, _T),
    _xmp("XMP-photoshop:DateCreated", PHOTOSHOP, "photoshop", "DateCreated", _SIMPLE, _T),
    _xmp("XMP-exif:DateTimeOriginal", EXIF, "exif", "DateTimeOriginal", _SIMPLE, _T, created_in=_NO_EXIF_HOME),
    _xmp("XMP-exif:OffsetTimeOriginal", EXIF, "exif", "OffsetTimeOriginal", _SIMPLE, _T, created_in=_SIDECAR),
    _xmp("XMP-exif:DateTimeDigitized", EXIF, "exif", "DateTimeDigitized", _SIMPLE, _T, created_in=_NOWHERE),
    _xmp("XMP-tiff:DateTime", TIFF, "tiff", "DateTime", _SIMPLE, _T, created_in=_NOWHERE),
    _iptc("DateCreated", 55, 8, _T),
    _iptc("TimeCreated", 60, 11, _T),
    _movie("QuickTime:CreateDate", "mvhd", "creation", _T, created_in=_VIDEO),
    _movie("QuickTime:ModifyDate", "mvhd", "modification", _T, created_in=_VIDEO),
    _movie("QuickTime:TrackCreateDate", "tkhd", "creation", _T, created_in=_VIDEO),
    _movie("QuickTime:TrackModifyDate", "tkhd", "modification", _T, created_in=_VIDEO),
    _movie("QuickTime:MediaCreateDate", "mdhd", "creation", _T, created_in=_VIDEO),
    _movie("QuickTime:MediaModifyDate", "mdhd", "modification", _T, created_in=_VIDEO),
    _movie("Keys:CreationDate", "keys", "com.apple.quicktime.creationdate", _T, created_in=_VIDEO),
    _movie("Keys:DateTimeOriginal", "keys", "com.apple.quicktime.date", _T),
    _movie("UserData:DateTimeOriginal", "udta", "date", _T),
    _movie("UserData:ContentCreateDate", "udta", "\xa9day", _T),
    _movie("ItemList:ContentCreateDate", "ilst", "\xa9day", _T),
    # rating and favourite
    _xmp("XMP-xmp:Rating", XMP, "xmp", "Rating", _SIMPLE, _R),
    _exif("IFD0", "Rating", 0x4746, SHORT, _R),
    _exif("IFD0", "RatingPercent", 0x4749, SHORT, _R),
    _xmp("XMP-microsoft:RatingPercent", MICROSOFT, "MicrosoftPhoto", "Rating", _SIMPLE, _R, also=(MICROSOFT_NO_SLASH,)),
    _xmp("XMP-xmp:Label", XMP, "xmp", "Label", _SIMPLE, _R),
    _xmp("XMP-fstop:Favorite", FSTOP, "fstop", "favorite", _SIMPLE, _R),
    # albums
    _xmp("XMP-iptcExt:Event", IPTC_EXT, "Iptc4xmpExt", "Event", _ALT, _A),
    _xmp("XMP-lr:HierarchicalSubject", LIGHTROOM, "lr", "hierarchicalSubject", _BAG, _A, _K),
    _exif("ExifIFD", "UserComment", 0x9286, UNDEFINED, _A),
    _xmp("XMP-exif:UserComment", EXIF, "exif", "UserComment", _ALT, _A, created_in=_NO_EXIF_HOME),
    # faces
    _xmp("XMP-mwg-rs:RegionInfo", MWG_REGIONS, "mwg-rs", "Regions", XmpKind.REGIONS, _F),
    # tags
    _xmp("XMP-digiKam:TagsList", DIGIKAM, "digiKam", "TagsList", _SEQ, _K),
    # provenance: belongs to every module
    _xmp("XMP-immichmeta:Added", IMMICH_META, "immichmeta", "Added", _BAG, *Module),
    _xmp("XMP-immichmeta:AssetId", IMMICH_META, "immichmeta", "AssetId", _SIMPLE, *Module),
)

# By the value of a FileKind, since hashing an Enum is slow and this is asked for every row of every photo.
CREATED: dict[str, frozenset[str]] = {
    kind.value: frozenset(tag.name for tag in TABLE if kind in tag.created_in) for kind in FileKind
}
BY_NAME: dict[str, Tag] = {tag.name: tag for tag in TABLE}


def find(name: str) -> Optional[Tag]:
    """The row of an ExifTool tag name."""
    return BY_NAME.get(name)
