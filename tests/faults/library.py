"""A small library of all sorts of files, a server that knows it, and a judge of what became of each file.

Not here: what is done to it (test_*.py).
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple, Optional

from immich_meta.demo.heic import heic
from immich_meta.demo.library import DemoAsset
from immich_meta.demo.movies import mov, mp4
from immich_meta.demo.server import DemoServer
from immich_meta_writers import read
from immich_meta_writers.changes import Shown
from immich_meta_writers.plan import read_sidecar_of

SYNC = ("sync", "--all", "--albums", "--tags", "--face-coordinates")
ROOT = "/data/library/admin"
EXTERNAL = "5f1b1f0c-0000-4000-8000-0000000000ff"
MOVIE_BYTES = 33 << 20
FOREIGN = "Somebody else's"
RAW = b"FUJIFILMCCD-RAW " + bytes(500)
LONG_AGO = 1_500_000_000_123_456_700
_SIDECAR = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag>
<rdf:li>{FOREIGN}</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>
"""


@cache
def picture(kind: str, number: int = 0) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    image = Image.new("RGB", (64, 48), (40 * number % 256, 60, 120))
    for at in range(48):
        image.putpixel((at, at), (255, at, 0))
    image.save(buffer, kind)
    return buffer.getvalue()


@cache
def movie() -> bytes:
    """A large one, mostly zeros: written in place."""
    return mov([picture("JPEG"), bytes(MOVIE_BYTES)], (64, 48), None, {"com.apple.quicktime.make": "Apple"})


class Said(NamedTuple):
    """What one file (a photo or a sidecar) says of the wish, and all else that it says."""

    caption: object
    rating: object
    subjects: tuple[str, ...]
    everything: Mapping[str, Shown]


@dataclass(frozen=True)
class Wish:
    """What the server says of every asset in one round."""

    number: int

    @property
    def caption(self) -> str:
        return f"Round {self.number}" + "x" * (self.number * 37 % 900)

    @property
    def rating(self) -> int:
        return self.number % 5 + 1

    @property
    def person(self) -> str:
        return f"Person {self.number}"

    @property
    def album(self) -> str:
        return f"Album {self.number}"

    def is_said(self, said: Said) -> bool:
        return (
            said.caption == self.caption
            and str(said.rating) == str(self.rating)
            and {name for name in said.subjects if name.startswith("Person ")} == {self.person}
        )


class Mixed:
    """The photos in `folder/photos`, a working directory and a state directory beside it."""

    def __init__(self, folder: Path, server: DemoServer, *, fills: bool = True, has_movie: bool = True) -> None:
        self.photos, self.directory, self.state = folder / "photos", folder / "work", folder / "state"
        self.photos.mkdir()
        self.directory.mkdir()
        self.server = server
        self.command = SYNC
        self.assets: dict[Path, DemoAsset] = {}
        self.environ = {
            "IMMICH_INSTANCE_URL": server.url,
            "IMMICH_API_KEY": server.api_key,
            "IMMICH_PHOTO_DIR": str(self.photos),
            "IMMICH_PATH_MAP": f"{ROOT}={self.photos}",
            "IMMICH_META_STATE_DIR": str(self.state),
            "IMMICH_META_JOBS": "0",
            "IMMICH_TIMEZONE": "Europe/Berlin",
        }
        self._seen: dict[Path, tuple[object, Said]] = {}
        self._pixels: dict[Path, bytes] = {}
        if fills:
            self._fill(has_movie=has_movie)
        self.first = snapshot(self.photos)

    def add(self, name: str, content: bytes, *, beside: Optional[str] = None, kind: str = "IMAGE") -> Path:
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, ns=(LONG_AGO, LONG_AGO))
        if beside is not None:
            Path(f"{path}.xmp").write_text(beside, "utf-8")
        self.assets[path] = self.server.library.add_photo(
            f"{ROOT}/{name}",
            content=content,
            kind=kind,
            library_id=EXTERNAL,
            width=64,
            height=48,
            date=datetime(2024, 5, 1, 12) + timedelta(minutes=len(self.assets)),
            time_zone="Europe/Berlin",
        )
        self._pixels[path] = pixels(path)
        return path

    def _fill(self, *, has_movie: bool) -> None:
        for number in range(6):
            self.add(f"a/IMG_{number}.jpg", picture("JPEG", number), beside=_SIDECAR if number < 2 else None)
        for number in range(2):
            self.add(f"b/IMG_{number}.png", picture("PNG", number))
            self.add(f"b/WEB_{number}.webp", picture("WEBP", number))
            self.add(f"b/TIF_{number}.tif", picture("TIFF", number), beside=_SIDECAR if number else None)
            self.add(f"c/IMG_{number}.heic", heic())
            self.add(f"c/RAW_{number}.raf", RAW)  # gets a sidecar
        self.add("c/IMG.gif", picture("GIF"))
        self.add("c/MOV.mov", mov([picture("JPEG")], (64, 48), None, {}), kind="VIDEO")
        self.add("c/MOV.mp4", mp4([picture("JPEG")], (64, 48), None), kind="VIDEO")
        if has_movie:
            self.add("c/LONG.mov", movie(), kind="VIDEO")

    def wish(self, number: int) -> Wish:
        """The server says something else of every asset."""
        wish, library = Wish(number), self.server.library
        library.people.clear()
        library.albums.clear()
        for at, asset in enumerate(self.assets.values()):
            asset.faces.clear()
            library.set_people(asset, [])
            library.add_face(asset, wish.person, (10.0 + at, 10.0, 20.0 + at, 20.0), size=(64, 48))
            library.put_in_album(asset, wish.album)
            asset.description, asset.rating = wish.caption, wish.rating
            asset.latitude, asset.longitude = 50 + number % 30 / 10, 10.0
            asset.updated_at += timedelta(seconds=1)
        return wish

    def said(self) -> dict[Path, Said]:
        """What each photo and each sidecar says; each of them is whole, and no pixel of it is another one."""
        found: dict[Path, Said] = {}
        for path in self.assets:
            for each in (path, Path(f"{path}.xmp")):
                if each.exists() and not (each == path and path.suffix == ".raf"):
                    found[each] = self._said(each, path)
            if path.suffix == ".raf":
                assert path.read_bytes() == RAW
        return found

    def _said(self, each: Path, path: Path) -> Said:
        if each == path and path.stat().st_size > 1 << 20:
            read(path)  # brings back what a killed run had overwritten
        status = each.stat()
        mark = (status.st_ino, status.st_size, status.st_ctime_ns, status.st_mtime_ns)
        known = self._seen.get(each)
        if known is not None and known[0] == mark:
            return known[1]
        says = read(path) if each == path else read_sidecar_of(path)[1]
        if each == path:
            assert pixels(path) == self._pixels[path], path
        said = _said(says)
        assert each.suffix != ".xmp" or path.suffix == ".raf" or FOREIGN in said.subjects, each
        self._seen[each] = mark, said
        return said

    def strays(self) -> list[str]:
        """Files that are neither photos nor their sidecars."""
        wanted = {str(each) for path in self.assets for each in (path, f"{path}.xmp")}
        return sorted(str(path) for path in self.photos.rglob("*") if path.is_file() and str(path) not in wanted)


def _said(says: Mapping[str, Shown]) -> Said:
    names = says.get("XMP-dc:Subject", ())
    subjects = names if isinstance(names, tuple) else (str(names),)
    return Said(says.get("XMP-dc:Description"), says.get("XMP-xmp:Rating"), subjects, says)


class Kept(NamedTuple):
    """A file as it was; the bytes of a large one as their digest."""

    content: bytes
    mtime_ns: int


def snapshot(folder: Path) -> dict[str, Kept]:
    return {
        str(path): Kept(_content(path), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    return content if len(content) < 1 << 20 else hashlib.sha256(content).digest()


def pixels(path: Path) -> bytes:
    """A digest of what is seen: decoded, or (movies) the samples as they are."""
    if path.suffix == ".raf":
        return b""
    if path.suffix in (".mov", ".mp4"):
        content = path.read_bytes()
        start = content.index(b"mdat") - 4
        size = int.from_bytes(content[start : start + 4], "big")
        if size > 1 << 20:  # all that is not zero
            return content[start : start + 5000] if content.count(0, start + 5000, start + size) == size - 5000 else b""
        return content[start : start + size]
    from PIL import Image

    if path.suffix == ".heic":
        try:
            import pillow_heif
        except ImportError:
            return _items_of(path)
        image = pillow_heif.read_heif(path).to_pillow()
    else:
        image = Image.open(path)
    with image:
        return hashlib.sha256(image.convert("RGBA").tobytes()).digest()


def _items_of(path: Path) -> bytes:
    """The coded picture of the sample, wherever it lies."""
    coded = heic()
    start = coded.index(b"mdat") + 4
    content = path.read_bytes()
    picture = coded[start : start + 0x155]
    assert picture in content
    return hashlib.sha256(picture).digest()
