"""What this project is measured against: a plain copy, pyexiv2, and ExifTool in two ways.

Each is used as one would use it in a script of one's own: told directly what each file is to say, they ask no server,
keep no state and look for no differences. `handles` says which files they can write at all.
Not here: the project itself (product.py).
"""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Callable, Protocol

from fixtures.exiftool import ExifTool, is_installed
from immich_meta_writers import PhotoMetadata

Wanted = Callable[[Path], PhotoMetadata]


class Contender(Protocol):
    """`read` what is in the files; `write` what is wanted of them."""

    def read(self, photos: Sequence[Path]) -> None: ...

    def write(self, photos: Sequence[Path]) -> None: ...


def copy_fsync_rename(photos: Iterable[Path]) -> None:
    """What every safe writer has to do at least: a new file, on disk, in the place of the old one."""
    for path in photos:
        temporary = path.with_suffix(".tmp")
        with open(path, "rb") as old, open(temporary, "wb") as new:
            _copy(old.fileno(), new.fileno())
            os.fsync(new.fileno())
        os.replace(temporary, path)


def _copy(old: int, new: int) -> None:
    if not hasattr(os, "copy_file_range"):
        with os.fdopen(os.dup(old), "rb") as source, os.fdopen(os.dup(new), "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        return
    left = os.fstat(old).st_size
    while left:
        done = os.copy_file_range(old, new, left)
        if not done:
            raise RuntimeError("a file became shorter while it was copied")
        left -= done


class Copy:
    """The physical limit: files as they are, copied by `jobs` processes. Reading: every byte, once."""

    def __init__(self, _wanted: Wanted, jobs: int = 1) -> None:
        self._jobs = jobs

    def read(self, photos: Sequence[Path]) -> None:
        for path in photos:
            with path.open("rb") as file:
                while file.read(1 << 20):
                    pass

    def write(self, photos: Sequence[Path]) -> None:
        if self._jobs == 1:
            copy_fsync_rename(photos)
            return
        # Forked: cp would not start an interpreter either.
        with multiprocessing.get_context("fork").Pool(self._jobs) as pool:
            pool.map(_copy_one, photos, chunksize=1)
            pool.close()
            pool.join()


def _copy_one(path: Path) -> None:
    copy_fsync_rename((path,))


class Pyexiv2:
    """pyexiv2: three reads; three writes, without an fsync. It has no movies and writes no HEIC."""

    def __init__(self, wanted: Wanted) -> None:
        self._module: Any = importlib.import_module("pyexiv2")
        self._module.set_log_level(4)
        self._wanted = wanted

    def read(self, photos: Sequence[Path]) -> None:
        for path in photos:
            image = self._module.Image(str(path))
            image.read_exif()
            image.read_iptc()
            image.read_xmp()
            image.close()

    def write(self, photos: Sequence[Path]) -> None:
        for path in photos:
            exif, iptc, xmp = _exiv2_values(self._wanted(path))
            image = self._module.Image(str(path))
            if exif:
                image.modify_exif(exif)
            if iptc:
                image.modify_iptc(iptc)
            image.modify_xmp(xmp)
            image.close()


def _exiv2_values(wanted: PhotoMetadata) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    exif: dict[str, Any] = {}
    iptc: dict[str, Any] = {}
    xmp: dict[str, Any] = {}
    if wanted.people is not None:
        people = list(wanted.people)
        iptc["Iptc.Application2.Keywords"] = people
        xmp.update({"Xmp.dc.subject": people, "Xmp.iptcExt.PersonInImage": people})
    if wanted.caption is not None:
        exif["Exif.Image.ImageDescription"] = iptc["Iptc.Application2.Caption"] = wanted.caption
        xmp["Xmp.dc.description"] = {'lang="x-default"': wanted.caption}
    if wanted.rating is not None:
        exif["Exif.Image.Rating"] = xmp["Xmp.xmp.Rating"] = str(wanted.rating)
    if wanted.gps is not None:
        for name, value, sides in (
            ("Latitude", wanted.gps.latitude, "NS"),
            ("Longitude", wanted.gps.longitude, "EW"),
        ):
            exif[f"Exif.GPSInfo.GPS{name}"] = f"{round(abs(value) * 10**6)}/1000000 0/1 0/1"
            exif[f"Exif.GPSInfo.GPS{name}Ref"] = sides[value < 0]
    if wanted.albums is not None:
        xmp["Xmp.lr.hierarchicalSubject"] = [f"Albums|{name}" for name in wanted.albums]
    return exif, iptc, xmp


def _exiftool_arguments(wanted: PhotoMetadata) -> list[str]:
    """The same values; what a format has no room for (IPTC in a movie) ExifTool leaves out by itself."""
    single: list[tuple[str, object]] = []
    if wanted.people is not None:
        names = ("XMP-dc:Subject", "IPTC:Keywords", "XMP-iptcExt:PersonInImage")
        single += [(tag, name) for tag in names for name in wanted.people]
    if wanted.caption is not None:
        captions = ("XMP-dc:Description", "IPTC:Caption-Abstract", "IFD0:ImageDescription")
        single += [(tag, wanted.caption) for tag in captions]
    if wanted.rating is not None:
        single += [(tag, wanted.rating) for tag in ("XMP-xmp:Rating", "IFD0:Rating", "XMP-microsoft:RatingPercent")]
    if wanted.gps is not None:
        for name, value, sides in (("Latitude", wanted.gps.latitude, "NS"), ("Longitude", wanted.gps.longitude, "EW")):
            single += [(f"EXIF:GPS{name}", abs(value)), (f"EXIF:GPS{name}Ref", sides[value < 0])]
    if wanted.albums is not None:
        single += [("XMP-lr:HierarchicalSubject", f"Albums|{name}") for name in wanted.albums]
    return ["-overwrite_original", "-codedcharacterset=utf8", *(f"-{tag}={value}" for tag, value in single)]


_READING = ("-j", "-G1", "-struct")


class OneExifTool:
    """One `-stay_open` process for all files; it does not fsync."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def read(self, photos: Sequence[Path]) -> None:
        with ExifTool() as tool:
            for path in photos:
                _expect(tool.run([*_READING, str(path)]), b"SourceFile", path)

    def write(self, photos: Sequence[Path]) -> None:
        with ExifTool() as tool:
            for path in photos:
                _expect(tool.run([*_exiftool_arguments(self._wanted(path)), str(path)]), b"1 image files updated", path)


class ExifToolPerFile:
    """A process for each file, as most scripts do it; no fsync either."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def read(self, photos: Sequence[Path]) -> None:
        for path in photos:
            self._run(_READING, path, b"SourceFile")

    def write(self, photos: Sequence[Path]) -> None:
        for path in photos:
            self._run(_exiftool_arguments(self._wanted(path)), path, b"1 image files updated")

    def _run(self, arguments: Sequence[str], path: Path, expected: bytes) -> None:
        done = subprocess.run(["exiftool", *arguments, str(path)], check=False, capture_output=True)
        _expect(done.stdout, expected, path)


def _expect(said: bytes, expected: bytes, path: Path) -> None:
    if expected not in said:
        raise RuntimeError(f"ExifTool did not do {path}: {said.decode('utf-8', 'replace').strip()}")


def pyexiv2_is_installed() -> bool:
    return importlib.util.find_spec("pyexiv2") is not None


def exiftool_is_installed() -> bool:
    return is_installed()


JPEG_ONLY = frozenset({".jpg"})
EVERYTHING = frozenset({".jpg", ".heic", ".mp4"})
