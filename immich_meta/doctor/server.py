"""Was the server reached, is it an Immich that is known here, and what does it do with what is written?

Not here: asking it (visit.py), and what the key may (key.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from immich_meta.doctor.finding import Finding, Level, good, of_error
from immich_meta.doctor.visit import Visit
from immich_meta.errors import (
    BusyError,
    FaultError,
    ImmichMetaError,
    MaintenanceError,
    NotImmichError,
    TlsError,
    TooOldError,
    UnreachableError,
    WrongKeyError,
)

NEWEST_MAJOR = 3
_IDS: tuple[tuple[type[ImmichMetaError], str], ...] = (
    (UnreachableError, "server.unreachable"),
    (TlsError, "server.tls"),
    (NotImmichError, "server.not_immich"),
    (TooOldError, "server.too_old"),
    (MaintenanceError, "server.maintenance"),
    (WrongKeyError, "key.wrong"),
    (BusyError, "server.busy"),
    (FaultError, "server.failed"),
)
REFUSED = frozenset({"server.refused", *(ident for _, ident in _IDS)})
"""The faults after which no run gets as far as the photos."""


def server_reached(visit: Visit) -> Iterator[Finding]:
    """Reached and of a version that is known; or what went wrong on the way."""
    if visit.server is not None:
        yield good("server.reached", f"Immich {visit.server} answers at {visit.address}")
        if visit.server.version[0] > NEWEST_MAJOR:
            yield Finding(
                "server.too_new",
                Level.WARNING,
                f"Immich {visit.server} is newer than what this version of immich-meta was made for",
                "It may work, or stop at an answer that has changed.",
                "See whether there is a newer immich-meta, and begin with --dry-run.",
            )
    if visit.failure is not None:
        ident = next((each for kind, each in _IDS if isinstance(visit.failure, kind)), "server.refused")
        yield of_error(ident, visit.failure, "No run can begin. What needs the server was not checked.")


def faces_imported(visit: Visit) -> Iterator[Finding]:
    """Immich's import of faces makes second faces of those that were written."""
    if visit.server is None or not visit.server.features:
        return
    if not visit.server.imports_faces:
        yield good("immich.face_import", "Immich does not import faces from files: none comes back twice")
        return
    yield Finding(
        "immich.face_import",
        Level.WARNING,
        "Immich imports faces from files",
        "Faces that --face-coordinates writes come back as second faces of the same people when Immich reads the files "
        "again.",
        "Switch it off in Immich (Administration, Settings, Metadata Settings, import faces), or leave out "
        "--face-coordinates.",
    )


def uploads_change(visit: Visit) -> Iterator[Finding]:
    """What a write means for Immich's checksums depends on the kind of library."""
    uploads = sum(asset.library_id is None for asset in visit.assets)
    external = len(visit.assets) - uploads
    if not visit.assets:
        return
    if not uploads:
        yield good("immich.upload_library", f"All {external} assets seen are in external libraries")
        return
    yield Finding(
        "immich.upload_library",
        Level.NOTE,
        f"Of {len(visit.assets)} assets seen, {uploads} are in Immich's upload library, {external} in external ones",
        "Originals of the upload library differ from Immich's stored checksum once they are written: its integrity "
        "check will list them.",
        'Never use "delete" in that report for them. If you do not want that: --write-to sidecar.',
    )


def keywords_come_back(visit: Visit) -> Iterator[Finding]:
    """Keywords become tags when Immich reads the files again, unless there is a list of tags."""
    if visit.server is not None:
        yield Finding(
            "immich.keyword_echo",
            Level.NOTE,
            "Immich reads keywords back as tags where a file holds no list of tags",
            "With --people or --albums, names and albums become tags when it scans the files again.",
            "Add --tags: then Immich's own list of tags is written, and it reads nothing else.",
        )
