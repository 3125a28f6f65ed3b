"""Photos and sidecars to plan with.

Not here: any test.
"""

from __future__ import annotations

import functools
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

from fixtures.catalogue import BY_NAME
from immich_meta_writers import Moment, PlanOptions

BUILTIN = PlanOptions(xmp_engine="builtin")
LONG_AGO = 1_400_000_000_123_456_789
WALL = datetime(2021, 6, 15, 12, 34, 56)
MOMENT = Moment(WALL, timedelta(hours=2), datetime(2021, 6, 15, 10, 34, 56, tzinfo=timezone.utc))
INSTANT = 1_623_753_296


@functools.cache
def built(name: str) -> bytes:
    return BY_NAME[name].build()


def photo(folder: Path, name: str = "IMG.jpg", fixture: str = "plain-jfif.jpg") -> Path:
    """A small JPEG, last written long ago."""
    return written(folder / name, built(fixture))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    return path


def packet(properties: str = "") -> bytes:
    """A sidecar with some properties, as XML."""
    return (
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        "<rdf:Description rdf:about='' xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'"
        " xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:crs='http://ns.adobe.com/camera-raw-settings/1.0/'>"
        f"<crs:Exposure2012>+0.35</crs:Exposure2012>{properties}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and modification time of every file."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir() if path.is_file()}
