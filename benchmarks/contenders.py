"""What this project is measured against: a plain copy, pyexiv2, and one ExifTool process.

Not here: the project itself (run.py).
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fixtures.exiftool import ExifTool
from immich_meta_writers import PhotoMetadata


def copy_fsync_rename(photos: Sequence[Path]) -> None:
    """What every safe writer has to do at least: a new file, on disk, in the place of the old one."""
    for path in photos:
        temporary = path.with_suffix(".tmp")
        with open(path, "rb") as old, open(temporary, "wb") as new:
            left = os.fstat(old.fileno()).st_size
            while left:
                left -= os.copy_file_range(old.fileno(), new.fileno(), left)
            os.fsync(new.fileno())
        os.replace(temporary, path)


class Pyexiv2:
    """pyexiv2, as one would use it: three reads; three writes, without an fsync."""

    def __init__(self, wanted: PhotoMetadata) -> None:
        self._module: Any = importlib.import_module("pyexiv2")
        self._module.set_log_level(4)
        people = list(wanted.people or ())
        caption, rating = wanted.caption, wanted.rating
        self._exif = {"Exif.Image.ImageDescription": caption, "Exif.Image.Rating": str(rating)}
        self._iptc = {"Iptc.Application2.Keywords": people, "Iptc.Application2.Caption": caption}
        self._xmp = {
            "Xmp.dc.subject": people,
            "Xmp.iptcExt.PersonInImage": people,
            "Xmp.dc.description": {'lang="x-default"': caption},
            "Xmp.xmp.Rating": str(rating),
        }

    def read(self, photos: Sequence[Path]) -> None:
        for path in photos:
            image = self._module.Image(str(path))
            image.read_exif()
            image.read_iptc()
            image.read_xmp()
            image.close()

    def write(self, photos: Sequence[Path]) -> None:
        for path in photos:
            image = self._module.Image(str(path))
            image.modify_exif(self._exif)
            image.modify_iptc(self._iptc)
            image.modify_xmp(self._xmp)
            image.close()


class OneExifTool:
    """One `-stay_open` process, the same values; it does not fsync either."""

    def __init__(self, exiftool: ExifTool, wanted: PhotoMetadata) -> None:
        self._run = exiftool.run
        names = ("XMP-dc:Subject", "IPTC:Keywords", "XMP-iptcExt:PersonInImage")
        self._values = [f"-{tag}={name}" for tag in names for name in wanted.people or ()]
        captions = ("XMP-dc:Description", "IPTC:Caption-Abstract", "IFD0:ImageDescription")
        self._values += [f"-{tag}={wanted.caption}" for tag in captions]
        ratings = ("XMP-xmp:Rating", "IFD0:Rating", "XMP-microsoft:RatingPercent")
        self._values += [f"-{tag}={wanted.rating}" for tag in ratings]

    def read(self, photos: Sequence[Path]) -> None:
        for path in photos:
            self._run(["-j", "-G1", "-struct", str(path)])

    def write(self, photos: Sequence[Path]) -> None:
        for path in photos:
            self._run(["-overwrite_original", "-codedcharacterset=utf8", *self._values, str(path)])
