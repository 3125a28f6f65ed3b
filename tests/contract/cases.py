"""Case: one fixture under one XMP engine, written once and looked at by many tests.

Not here: the behaviours (test_*.py).
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

from fixtures import expected
from fixtures.catalogue import BY_NAME, Fixture
from fixtures.exiftool import ExifTool, Reading
from fixtures.unpacked import unpacked
from fixtures.values import EVERYTHING, NOTHING
from immich_meta_writers import PhotoMetadata, Plan, PlanOptions, WriteTo, plan
from tests.contract.kinds import KINDS

PLAIN = "plain-jfif.jpg"
# Readers see tags that were hidden before: GPS pointer typed SLONG, Exif pointer typed ASCII, Exif in idat.
REVEALING = (
    "idat.heic",
    "exif-in-idat.avif",
    "exif-pointer-ascii.jpg",
    "exif-gps-pointer-is-exif.jpg",
    "exif-twice.jpg",
    "exif-empty-ifd0.jpg",
)

OLD_TIME_NS = 1_400_000_000_123_456_789


class Case:
    """The file under test is a photo, a movie, or the sidecar of a plain JPEG. Steps are taken when first asked for."""

    def __init__(self, fixture: Fixture, engine: str, folder: Path) -> None:
        self.fixture = fixture
        self.engine = engine
        self.folder = folder
        self.kind = KINDS[fixture.ending]
        self.is_sidecar = self.kind.is_sidecar
        self.options = PlanOptions(xmp_engine=engine, write_to=WriteTo.SIDECAR if self.is_sidecar else WriteTo.EMBED)

    def fresh(self, name: str) -> Path:
        """A new copy of the fixture in a folder of its own, with an old modification time."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.fixture.name
        path.write_bytes(original(self.fixture.name))
        os.utime(path, ns=(OLD_TIME_NS, OLD_TIME_NS))
        if self.is_sidecar:
            self.photo_of(path).write_bytes(original(PLAIN))
        return path

    def photo_of(self, path: Path) -> Path:
        return path.with_suffix("") if self.is_sidecar else path

    def plan(self, path: Path, wanted: PhotoMetadata = EVERYTHING) -> Plan:
        return plan(self.photo_of(path), wanted, self.options)

    @functools.cached_property
    def untouched(self) -> Path:
        return self.fresh("untouched")

    @functools.cached_property
    def first_plan(self) -> Plan:
        return self.plan(self.untouched)

    @functools.cached_property
    def written(self) -> Path:
        """The file with everything in it."""
        path = self.fresh("written")
        self.plan(path).apply()
        return path

    @functools.cached_property
    def taken_back(self) -> Path:
        """The file after everything was written and then taken back."""
        path = self.fresh("taken-back")
        self.plan(path).apply()
        self.plan(path, NOTHING).apply()
        return path

    @property
    def charset(self) -> tuple[str, ...]:
        """ExifTool takes unmarked IPTC for Latin; where it is UTF-8 it has to be told."""
        return ("-charset", "iptc=UTF8") if self.fixture.name == "iptc-utf8-unmarked.jpg" else ()

    def reading(self, exiftool: ExifTool, step: str) -> Reading:
        """ExifTool's reading of `untouched`, `written` or `taken_back`, made once."""
        cache = self.__dict__.setdefault("_readings", {})
        if step not in cache:
            found = exiftool.read(unpacked(getattr(self, step)), *self.charset)
            for ours, shown in expected.SHOWN_AS.get(self.fixture.name, {}).items():
                found.pop(ours, None)
                if shown in found:
                    found[ours] = found.pop(shown)
            cache[step] = found
        return cache[step]  # type: ignore[no-any-return]

    def shows(self, name: str) -> bool:
        """Whether ExifTool reads a tag in a file like this."""
        return name.partition(":")[0] not in expected.NOT_SHOWN.get(self.fixture.name, ())

    def comparable(self, reading: Reading) -> Reading:
        """What a reading of the file before and one of it after have to have in common, edited tags apart."""
        return {
            name: value for name, value in reading.items() if self.shows(name) and not self.kind.comes_with_a_home(name)
        }

    @property
    def expected(self) -> Mapping[str, Any]:
        """The single values that have to be in the written file, by ExifTool's names."""
        values = dict(self.kind.rows)
        values.update({name: expected.SECOND_HOMES[name] for name in expected.HOMES.get(self.fixture.name, ())})
        values.update(expected.FOREIGN.get(self.fixture.name, {}))
        return {name: value for name, value in values.items() if self.takes(name)}

    @property
    def expected_lists(self) -> Mapping[str, tuple[str, ...]]:
        return {name: items for name, items in self.kind.lists.items() if self.takes(name)}

    def takes(self, name: str) -> bool:
        """Whether the file has room for a tag: only those that its fixture names may be skipped, and are reported."""
        skipped = {skipped.tag for skipped in self.first_plan.skipped}
        group = name.partition(":")[0]
        return not (group in self.fixture.cannot_take and (name in skipped or name == "IPTC:CodedCharacterSet"))


@functools.cache
def original(name: str) -> bytes:
    return BY_NAME[name].build()


def items(reading: Reading, name: str) -> tuple[str, ...]:
    """The items of a list tag; a list of one may be shown as a single value."""
    parts = (part if isinstance(part, tuple) else (part,) for part in reading.get(name, ()))
    return tuple(item for part in parts for item in part)


def digest(path: Path) -> tuple[str, int, Optional[int]]:
    """Bytes, modification time and inode: what an untouched file keeps."""
    status = path.stat()
    return hashlib.sha256(path.read_bytes()).hexdigest(), status.st_mtime_ns, status.st_ino


def only(**fields: Any) -> PhotoMetadata:
    """EVERYTHING with some fields replaced."""
    return replace(EVERYTHING, **fields)
