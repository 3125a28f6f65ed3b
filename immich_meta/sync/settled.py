"""What the last run ended with, beside what is wanted now: equal on both sides, a file need not be opened.

Not here: where that is kept (immich_meta.state).
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Optional, Protocol

from immich_meta.api.models import Asset
from immich_meta.state import Settled
from immich_meta.sync.task import PlanningOptions, Task
from immich_meta_writers import PlanOptions
from immich_meta_writers.plan import marks

_DIGEST_BYTES = 16


class Records(Protocol):
    """Where records are kept; a Store is one."""

    def settled(self, asset_id: str) -> Optional[Settled]: ...

    def remember(self, asset_id: str, settled: Settled) -> None: ...


class Ledger:
    """Whether an asset and its file are as the last run left them.

    `records` None: nothing is known and nothing kept. `verify`: what is known does not count. `people`: the id of each
    person and when the server changed it last; None: not known, and only where the faces are tells whether they moved.
    `rules`: when what is written for the same wish may have changed (another version of this program), every file is
    looked at again.
    """

    def __init__(
        self,
        records: Optional[Records] = None,
        *,
        verify: bool = False,
        faces: bool = False,
        people: Optional[Mapping[str, str]] = None,
        rules: str = "",
    ) -> None:
        self._records = records
        self._verify = verify
        self.asks_faces = faces
        self._people = people
        self._rules = rules
        self._options: Optional[PlanOptions] = None
        self._manner = ""
        self._run = ""

    @property
    def can_tell_by_listing(self) -> bool:
        """Whether the server's list alone may settle an asset: not while only a request tells where its faces are."""
        is_known = self._people is not None or not self.asks_faces
        return self._records is not None and not self._verify and is_known

    def is_settled(self, task: Task, faces: bytes) -> bool:
        """Whether the task needs no look at its file. `faces` is what `faces_of` says of the asset."""
        if self._records is None or self._verify or not task.files:
            return False
        record = self._records.settled(task.asset_id)
        if record is None or record.files != task.files or record.wanted != self._wanted(task):
            return False
        return not self.asks_faces or record.faces == faces

    def is_as_listed(self, asset_id: str, listed: bytes, path: str, sidecar_dir: Optional[str] = None) -> bool:
        """Whether all that the server says of an asset, and its file at `path`, are as they were."""
        record = self._records.settled(asset_id) if self._records is not None else None
        if record is None or record.listed != listed or not listed:
            return False
        return record.files == marks(path, sidecar_dir) != ""

    def faces_of(self, asset: Asset) -> bytes:
        """A digest of all that would move when a face does: the asset, its people, and what the server says of them."""
        if not self.asks_faces:
            return b""
        people: tuple[object, ...] = asset.people
        if self._people is not None:
            people = tuple((who.id, who.name, who.is_hidden, self._people.get(who.id)) for who in asset.people)
        return _digest((asset.updated_at, asset.is_edited, people))

    def listed_of(self, asset: Asset, albums: tuple[str, ...], options: PlanningOptions) -> bytes:
        """A digest of all that decides what is wanted of an asset, as far as the server's lists say it."""
        if not self._run:
            mapping = options.mapping
            modules = sorted(module.value for module in mapping.modules)
            said = (modules, str(mapping.zone), mapping.caption_max_len, mapping.date_source)
            people = sorted(self._people.items()) if self._people is not None else None
            self._run = _digest((self._rules, said, options.writing, options.protect_newer, people)).hex()
        return _digest((self._run, asset.listed, albums)) if asset.listed else b""

    def remember(self, task: Task, faces: bytes, files: str, listed: bytes = b"") -> None:
        """The file says what is wanted; `files` marks it as it is now."""
        if self._records is None or not files:
            return
        now = Settled(self._wanted(task), faces, files, listed)
        if self._records.settled(task.asset_id) != now:  # a nightly run shall not write what it has just read
            self._records.remember(task.asset_id, now)

    def _wanted(self, task: Task) -> bytes:
        """A digest of all that is wanted but faces, and of how it is to be written.

        Fields as they are: the representation of a dataclass takes three times as long.
        """
        wanted = {**vars(task.wanted), "regions": None, "raster": None}
        if task.wanted.captured is not None:
            wanted["captured"] = vars(task.wanted.captured)
        if task.options is not self._options:
            self._options, self._manner = task.options, repr((self._rules, task.options))
        return _digest((self._manner, wanted))


def _digest(value: object) -> bytes:
    return blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
