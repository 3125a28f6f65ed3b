"""Provenance: which values of a file are ours, written in the file itself as immichmeta:Added.

Not here: what happens to a value that is ours (the rules).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Optional

from immich_meta_writers.tags import Module
from immich_meta_writers.text import nfc

LONGEST_PLAIN = 64
HEART = "Heart"
ECHO = "Echo"


def claim_text(value: str) -> str:
    """A value as a claim holds it: texts over 64 characters as `sha256:` and 16 hex digits."""
    value = nfc(value)
    if len(value) <= LONGEST_PLAIN:
        return value
    return "sha256:" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Claim(NamedTuple):
    """One record: `module@user TAG=value`."""

    module: str
    user: str
    tag: str
    value: str

    @property
    def record(self) -> str:
        return f"{self.module}@{self.user} {self.tag}={self.value}"


def parse_record(record: str) -> Optional[Claim]:
    """The claim of one record, split at the first space and the first `=`; None for anything else."""
    owner, space, rest = record.partition(" ")
    module, at, user = owner.partition("@")
    tag, equals, value = rest.partition("=")
    if not (space and at and equals and module and user and tag):
        return None
    return Claim(module, user, tag, nfc(value))


@dataclass(frozen=True)
class Claims:
    """All records of a file. `user` is who asks: only this user's claims are ours."""

    user: str
    records: tuple[str, ...] = ()
    all: tuple[Claim, ...] = field(init=False)
    _by_tag: Mapping[str, tuple[Claim, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        claims = tuple(filter(None, map(parse_record, self.records)))
        by_tag: dict[str, tuple[Claim, ...]] = {}
        for claim in claims:
            by_tag[claim.tag] = (*by_tag.get(claim.tag, ()), claim)
        object.__setattr__(self, "all", claims)
        object.__setattr__(self, "_by_tag", by_tag)

    def of(self, tag: str) -> tuple[Claim, ...]:
        """Everybody's claims on a tag."""
        return self._by_tag.get(tag, ())

    def mine(self, module: Module, tag: str) -> tuple[Claim, ...]:
        """Our claims on a tag."""
        return tuple(c for c in self.of(tag) if c.module == module.value and c.user == self.user)

    def is_mine(self, module: Module, tag: str, value: str) -> bool:
        text = claim_text(value)
        return any(claim.value == text for claim in self.mine(module, tag))

    def names_of_people(self) -> frozenset[str]:
        """The names that anybody recorded for people: they come back from Immich as tags, our own echo."""
        people = (claim for claim in self.all if claim.module == Module.PEOPLE.value)
        return frozenset(claim.value for claim in people if claim.tag != "IPTC:Keywords")  # those are cut

    def new(self, module: Module, tag: str, value: str) -> Claim:
        return Claim(module.value, self.user, tag, claim_text(value))

    def after(self, claimed: Iterable[Claim], released: Iterable[Claim]) -> tuple[str, ...]:
        """The records once these were added and those dropped; order is kept, unknown records stay."""
        gone = {claim.record for claim in released} - {claim.record for claim in claimed}
        kept = [record for record in self.records if nfc(record) not in gone]
        known = set(kept)
        for claim in claimed:
            if claim.record not in known:
                known.add(claim.record)
                kept.append(claim.record)
        return tuple(kept)
