"""The named faces of an asset as regions of the displayed image.

Not here: the stored raster and its orientation (the writers), and the way back from an edit (edits.py).
"""

from __future__ import annotations

from typing import Optional

from immich_meta.api.models import Asset, Edit, Face, Person
from immich_meta.mapping.edits import Box, Undo, UndoError, number, undo
from immich_meta.mapping.notes import Note, NoteKind, Notes
from immich_meta.mapping.people import name_of
from immich_meta.mapping.raster import displayed_size
from immich_meta_writers.metadata import Region

# Faces that Immich imported from the file itself: the file's own region is the original.
FROM_THE_FILE = "exif"
# A side that a file's ten decimals could not show.
_NO_SIDE = 1e-9

NamedFace = tuple[str, Face]


def regions_of(
    asset: Asset, faces: Optional[tuple[Face, ...]], edits: Optional[tuple[Edit, ...]]
) -> tuple[Optional[tuple[Region, ...]], Notes]:
    """Named faces, centre-based, 0-1 of the unedited image as displayed, by x, then name (TAGS.md, Faces).

    `faces` None: those that came with the persons are taken. The answer None leaves the file's regions alone:
    the faces or the edits are not known. Boxes are normalised by the image size that each face itself gives.
    """
    named = named_faces(asset, faces)
    if named is None:
        return None, (_skipped("the server did not send their boxes"),)
    if not named:
        return (), ()
    try:
        back = _way_back(asset, edits)
    except UndoError as error:
        return None, (_skipped(str(error)),)
    regions: set[Region] = set()
    notes: list[Note] = []
    for name, face in named:
        region = _region(name, face, back)
        if region is None:
            text = f"a face of {name} has no area in the picture: left out"
            notes.append(Note(NoteKind.FACE_INVALID, text, (("name", name),)))
        else:
            regions.add(region)
    return tuple(sorted(regions, key=lambda r: (r.x, r.name, r.y, r.w, r.h))), tuple(sorted(notes, key=_text))


def named_faces(asset: Asset, faces: Optional[tuple[Face, ...]]) -> Optional[tuple[NamedFace, ...]]:
    """Those that a file may get; None when the server did not send their boxes. `faces` as in `regions_of`."""
    if faces is not None:
        owned: list[tuple[Optional[Person], Face]]
        owned = [(face.person, face) for face in faces]
    else:
        if not asset.people_known:
            return None
        known = [person for person in asset.people if name_of(person)]
        if any(person.faces is None for person in known):
            return None
        owned = [(person, face) for person in known for face in person.faces or ()]
    return tuple(
        (name, face)
        for person, face in owned
        for name in (_name(person),)
        if name and (face.source_type or "").lower() != FROM_THE_FILE
    )


def _name(person: Optional[Person]) -> str:
    return "" if person is None else name_of(person)


def _way_back(asset: Asset, edits: Optional[tuple[Edit, ...]]) -> Undo:
    if asset.is_edited and not edits:
        raise UndoError("the image was edited in Immich and its edits could not be read")
    return undo(edits or (), displayed_size(asset))


def _region(name: str, face: Face, back: Undo) -> Optional[Region]:
    width, height = number(face.image_width), number(face.image_height)
    x1, y1, x2, y2 = (number(edge) for edge in (face.x1, face.y1, face.x2, face.y2))
    if width is None or height is None or width <= 0 or height <= 0:
        return None
    if x1 is None or y1 is None or x2 is None or y2 is None:
        return None
    box = back(Box(x1 / width, y1 / height, x2 / width, y2 / height))
    left, top, right, bottom = map(_clamped, (box.left, box.top, box.right, box.bottom))
    if right - left < _NO_SIDE or bottom - top < _NO_SIDE:
        return None
    return Region(name, (left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def _clamped(share: float) -> float:
    return min(1.0, max(0.0, share))


def _skipped(reason: str) -> Note:
    return Note(NoteKind.FACES_SKIPPED, f"faces left as they are: {reason}", (("reason", reason),))


def _text(note: Note) -> str:
    return note.text
