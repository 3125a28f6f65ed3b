"""What the rules of merging look at, and what they may decide. Values only.

Not here: the rules (one file per kind of field) and any bytes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Optional, Union

from immich_meta_writers.addresses import Value
from immich_meta_writers.changes import Change, Kept, Skipped
from immich_meta_writers.merge.provenance import Claim, Claims
from immich_meta_writers.policy import PlanOptions
from immich_meta_writers.tags import BY_NAME, CREATED, FileKind, Tag


@dataclass(frozen=True)
class View:
    """A file as the rules see it.

    `values`: the current value by tag name, absent tags missing. `homes`: the address types that this file can hold.
    `closed`: address types that must be left alone, and why. `raster`: stored width and height in pixels.
    `is_glance`: it is only asked whether anything changes, so nobody needs to know what is claimed or released.
    """

    kind: FileKind
    values: Mapping[str, Value]
    homes: frozenset[type]
    records: Callable[[], tuple[str, ...]]
    options: PlanOptions
    closed: Mapping[type, str] = field(default_factory=dict)
    raster: Optional[tuple[int, int]] = None
    orientation: int = 1
    is_glance: bool = False

    @functools.cached_property
    def claims(self) -> Claims:
        """What is ours; read only where a rule asks, which is seldom in an unchanged file."""
        return Claims(self.options.claimant, self.records())

    def get(self, name: str) -> Optional[Value]:
        return self.values.get(name)

    def text(self, name: str) -> str:
        """The current value as text, an absent one as ''."""
        value = self.values.get(name)
        if value is None:
            return ""
        if isinstance(value, tuple):
            return ", ".join(str(item) for item in value)
        default = getattr(value, "default", value)
        return "" if default is None else str(default)

    def takes(self, tag: Tag) -> bool:
        """Whether a wanted value belongs into this tag: it stands there already, or it is created in such files."""
        return tag.name in self.values or (tag.name in CREATED[self.kind.value] and type(tag.address) in self.homes)


@dataclass(frozen=True)
class Claimed:
    """A value of `tag` is now ours."""

    tag: str
    claim: Claim


@dataclass(frozen=True)
class Released:
    """A value of `tag` is no longer ours."""

    tag: str
    claim: Claim


Decision = Union[Change, Kept, Skipped, Claimed, Released]


def rows(view: View, *names: str) -> Iterable[Tag]:
    """The rows of these names that the file takes."""
    return (tag for tag in map(BY_NAME.__getitem__, names) if view.takes(tag))
