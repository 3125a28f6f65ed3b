"""Why a file was not written.

WriterError                 every error of this package; names the file, the place, the cause and the cure
|-- DamagedError            the file is broken: it is left alone
|   |-- EmptyFileError      0 bytes
|   |-- TruncatedError      it ends too early
|   |-- StructureError      the container's own structure lies
|   |-- ExifError           the EXIF block cannot be parsed
|   |-- IptcError           the IPTC records cannot be parsed
|   `-- XmpError            the XMP packet cannot be parsed
|-- UnsupportedError        a sound file that cannot take metadata; a sidecar can
|   `-- NoRoomError         the payload does not fit
|-- ChangedError            the file changed between reading and writing
|-- AccessError             the file system said no: permission, read-only, full, not a regular file
|-- SelfCheckError          our own result did not read back; nothing was written
`-- MetadataError           the wanted values make no sense
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Optional


class WriterError(Exception):
    """Base of the tree.

    `kind` is stable and meant for machines; `place` is where in the file; `cure` is what a person can do.
    """

    kind = "error"
    default_cure = ""

    def __init__(self, cause: str, *, place: str = "", cure: str = "", path: Optional[str] = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.place = place
        self.cure = cure or self.default_cure
        self.path = path

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.path, self.place) if part)
        text = f"{where}: {self.cause}" if where else self.cause
        return f"{text} ({self.cure})" if self.cure else text


class DamagedError(WriterError):
    kind = "damaged"
    default_cure = "restore the file from a backup, or write a sidecar with --write-to sidecar"


class EmptyFileError(DamagedError):
    kind = "empty"


class TruncatedError(DamagedError):
    kind = "truncated"


class StructureError(DamagedError):
    kind = "structure"


class ExifError(DamagedError):
    kind = "exif"


class IptcError(DamagedError):
    kind = "iptc"


class XmpError(DamagedError):
    kind = "xmp"


class UnsupportedError(WriterError):
    kind = "unsupported"
    default_cure = "use --write-to auto or sidecar to keep the metadata beside the file"


class NoRoomError(UnsupportedError):
    kind = "no_room"


class ChangedError(WriterError):
    kind = "changed"
    default_cure = "another program wrote to the file; run again"


class AccessError(WriterError):
    kind = "access"


class SelfCheckError(WriterError):
    kind = "self_check"
    default_cure = "the file is untouched; please report this with the file's name and camera"


class MetadataError(WriterError):
    kind = "metadata"


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Errors that pass get the file's name, unless they have one."""
    try:
        yield
    except WriterError as error:
        error.path = error.path or path
        raise
