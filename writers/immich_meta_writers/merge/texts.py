"""Single texts: captions, the event, the comment of album names.

Not here: cutting a caption to what the user allows (the caller did that).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Callable, Optional

from immich_meta_writers.addresses import ExifAddress, IimAddress
from immich_meta_writers.changes import Change, Kept
from immich_meta_writers.merge.decisions import Claimed, Decision, Released, View, rows
from immich_meta_writers.merge.lists import is_join_of
from immich_meta_writers.tags import Module, Tag
from immich_meta_writers.text import clean, cut, nfc

CAPTION_TAGS = (
    "XMP-dc:Description",
    "IPTC:Caption-Abstract",
    "IFD0:ImageDescription",
    "XMP-tiff:ImageDescription",
    "Keys:Description",
    "ItemList:Description",
    "UserData:Description",
)
COMMENT = {True: "ExifIFD:UserComment", False: "XMP-exif:UserComment"}  # one home: with EXIF, without


def merge_caption(view: View, caption: str) -> Iterator[Decision]:
    """Immich's caption replaces what is there; an empty one removes only ours."""
    for tag in rows(view, *CAPTION_TAGS):
        current, wanted = _found(view, tag), _fitted(tag, caption)
        if wanted:
            if nfc(current) != nfc(wanted) or isinstance(view.get(tag.name), tuple):  # homes that disagree
                yield from _replace(view, tag, Module.CAPTION, wanted)
        elif current and view.claims.is_mine(Module.CAPTION, tag.name, current):
            yield from _replace(view, tag, Module.CAPTION, None)
        elif current:
            yield Kept(tag.name, current, "Immich has no caption, and this one is not ours")


def merge_event(view: View, albums: tuple[str, ...]) -> Iterator[Decision]:
    """The first album; somebody else's event stays."""
    wanted = albums[0] if albums else None
    for tag in rows(view, "XMP-iptcExt:Event"):
        yield from _unless_foreign(view, tag, wanted, lambda text: False)


def merge_comment(view: View, albums: tuple[str, ...]) -> Iterator[Decision]:
    """All album names; somebody else's comment stays, the predecessor's does not."""
    wanted = ", ".join(albums) or None
    for tag in rows(view, COMMENT[ExifAddress in view.homes]):
        yield from _unless_foreign(view, tag, wanted, lambda text: is_join_of(text, albums, ","))


def _unless_foreign(
    view: View, tag: Tag, wanted: Optional[str], is_spurious: Callable[[str], bool]
) -> Iterator[Decision]:
    current = _found(view, tag)
    if nfc(current) == nfc(wanted or ""):
        return
    if not current or is_spurious(current) or view.claims.is_mine(Module.ALBUMS, tag.name, current):
        yield from _replace(view, tag, Module.ALBUMS, wanted)
    elif wanted:
        yield Kept(tag.name, current, "written by another program")


def _replace(view: View, tag: Tag, module: Module, wanted: Optional[str]) -> Iterator[Decision]:
    yield Change(tag.name, view.text(tag.name) or None, wanted, wanted)
    for claim in view.claims.mine(module, tag.name):
        yield Released(tag.name, claim)
    if wanted is not None:
        yield Claimed(tag.name, view.claims.new(module, tag.name, wanted))


def _found(view: View, tag: Tag) -> str:
    return clean(view.text(tag.name)).strip()


def _fitted(tag: Tag, text: str) -> str:
    return cut(text, tag.address.max_bytes).rstrip() if isinstance(tag.address, IimAddress) else text
