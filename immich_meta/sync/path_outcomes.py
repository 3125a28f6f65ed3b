"""What the search for an asset's file can end with.

Not here: the search (paths.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Optional, Union

from immich_meta.sync.identity import Proof
from immich_meta.sync.report import Failure, Status


class How(Enum):
    """What led to a file: the user's map, the number of segments, or the search below the photo directory."""

    MAP = "map"
    SEGMENTS = "segments"
    INFERRED = "inferred"


class Refusal(Enum):
    """Why a path is not followed, or a file not taken. A derived file is the server's own and no mistake."""

    DERIVED = "derived"
    MALFORMED = "malformed_path"
    OUTSIDE = "outside_library"
    NOT_A_FILE = "not_a_file"
    NO_ACCESS = "access"


@dataclass(frozen=True)
class Resolved:
    """The asset's file; `size` in bytes. `proof` is None only for a file that the map led to."""

    path: str
    how: How
    size: int
    proof: Optional[Proof] = None


@dataclass(frozen=True)
class NotFound:
    """No such file; `tried` are the local paths that were looked at first."""

    original_path: str
    tried: tuple[str, ...]
    status = Status.MISSING

    @property
    def failure(self) -> Failure:
        return Failure("missing", f"the server's {self.original_path} was not found at {', '.join(self.tried)}")


@dataclass(frozen=True)
class Ambiguous:
    """Several files may be the asset's, or several assets the file's: none is written."""

    original_path: str
    candidates: tuple[str, ...]
    reason: str
    status = Status.PATH_MISMATCH

    @property
    def failure(self) -> Failure:
        found = ", ".join(self.candidates)
        return Failure("ambiguous", f"{self.reason}: the server's {self.original_path}, here {found}; {_CURE}")


@dataclass(frozen=True)
class Mismatch:
    """A file with this ending is there, and nothing proves that it is the asset's original."""

    original_path: str
    path: str
    reason: str
    status = Status.PATH_MISMATCH

    @property
    def failure(self) -> Failure:
        claim = f"{self.path} is not proved to be the server's {self.original_path}"
        return Failure("path_mismatch", f"{claim}: {self.reason}; {_CURE}")


@dataclass(frozen=True)
class Refused:
    """The path is not followed, or what is there is not taken."""

    original_path: str
    kind: Refusal
    reason: str

    @property
    def status(self) -> Status:
        return Status.UNSUPPORTED if self.kind is Refusal.DERIVED else Status.FAILED

    @property
    def failure(self) -> Failure:
        return Failure(self.kind.value, f"the server's {self.original_path}: {self.reason}")


_CURE = "IMMICH_PATH_MAP=SERVER_DIRECTORY=LOCAL_DIRECTORY says for sure which is which"
Unresolved = Union[NotFound, Ambiguous, Mismatch, Refused]
Resolution = Union[Resolved, Unresolved]
