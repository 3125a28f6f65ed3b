"""The IPTC payload: IIM datasets inside Photoshop resources, read, and grafted one by one.

Not here: the bytes of a dataset and of a resource (iim.py, photoshop.py), and which values are wanted
(merge/).

Decisions: with several IPTC resources all are read, a list is the union, a single value is the first
resource's; new values go into the first one, what is removed goes from all. Of a single value that stands
twice in one resource the last counts, as ExifTool reads it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Optional

from immich_meta_writers.addresses import IimAddress, IimValue
from immich_meta_writers.errors import IptcError
from immich_meta_writers.payloads import iim, photoshop
from immich_meta_writers.payloads.iim import Dataset, Records
from immich_meta_writers.payloads.photoshop import Resource
from immich_meta_writers.text import cut

__all__ = ["IptcBlock", "graft", "graft_iim", "parse", "parse_iim"]

_RECORD_VERSION = (4).to_bytes(2, "big")


@dataclass(frozen=True)
class IptcBlock:
    """IPTC as found. `undecodable` names text that cannot be read: then this block cannot be grafted.

    `records` are the IIM blocks; `resources` are all resources, theirs included, and `tail` what follows
    them; both are empty for IIM that stands alone.
    """

    records: tuple[Records, ...] = ()
    resources: tuple[Resource, ...] = ()
    tail: bytes = b""
    undecodable: Optional[str] = None

    @property
    def charsets(self) -> tuple[str, ...]:
        """The character set of each IIM block: a codec, "" when none is named, "?" when not understood."""
        return tuple(records.charset for records in self.records)

    def get(self, address: IimAddress) -> Optional[IimValue]:
        """The value: a str, or a tuple of str for a repeatable dataset; None when there is none."""
        found = [[text for _, text in _texts(records, address)] for records in self.records]
        if address.repeatable:
            return tuple(text for texts in found for text in texts) or None
        return next((texts[-1] for texts in found if texts), None)

    def foreign(self, asked: Collection[IimAddress]) -> tuple[object, ...]:
        """All that a graft of `asked` must leave as it is, in a form that compares equal when it did.

        Text counts as text, whatever its character set; everything else as bytes. The character set, the
        digest and a record version 4 may be added, so they are left out.
        """
        keys = {(address.record, address.dataset) for address in asked}
        others = [
            (resource.head, resource.data)
            for resource in self.resources
            if not resource.is_adobe(photoshop.IPTC) and not resource.is_adobe(photoshop.IPTC_DIGEST)
        ]
        datasets = [
            (dataset.key, _meaning(dataset, records.charset))
            for records in self.records
            for dataset in records.datasets
            if dataset.key not in keys and dataset.key != iim.CHARSET
            if dataset.key != iim.VERSION or dataset.data != _RECORD_VERSION
        ]
        tails = [records.tail for records in self.records if records.tail]
        return (*others, *datasets, *tails, self.tail)


def _meaning(dataset: Dataset, charset: str) -> object:
    text = iim.decoded(dataset.data, charset) if iim.is_text(dataset) else None
    return dataset.data if text is None else text


def _texts(records: Records, address: IimAddress) -> list[tuple[int, str]]:
    """(index of the dataset, its text). What its character set cannot decode is shown as cp1252."""
    return [
        (index, _shown(dataset.data, records.charset))
        for index, dataset in enumerate(records.datasets)
        if dataset.number == address.dataset and dataset.record == address.record
    ]


def _shown(data: bytes, charset: str) -> str:
    text = iim.decoded(data, charset)
    return text if text is not None else iim.decoded(data, "cp1252") or ""


def parse(resources: Optional[bytes]) -> IptcBlock:
    """The IPTC in a file's joined image resources; of the signatures only 8BIM with 0x0404 is IPTC.

    Raises IptcError, with the place, when resources or datasets run past their end.
    """
    if not resources:
        return IptcBlock()
    found, tail = photoshop.split(resources)
    records = tuple(iim.split(resource.data) for resource in found if resource.is_adobe(photoshop.IPTC))
    return IptcBlock(records, found, tail, _first_undecodable(records))


def parse_iim(data: Optional[bytes]) -> IptcBlock:
    """The same of IIM that stands alone, as in TIFF tag 33723. Raises IptcError."""
    if not data:
        return IptcBlock()
    records = (iim.split(data),)
    return IptcBlock(records, undecodable=_first_undecodable(records))


def _first_undecodable(records: Sequence[Records]) -> Optional[str]:
    return next((reason for reason in map(iim.undecodable, records) if reason), None)


def graft(
    block: IptcBlock,
    edits: Mapping[IimAddress, Optional[IimValue]],
    *,
    beside: tuple[Optional[bytes], Optional[bytes]] = (None, None),
) -> bytes:
    """The image resources with `edits` made; without a difference they are the same bytes.

    None, "" and an empty tuple remove a value; texts are cut at their address's max_bytes. A digest
    (0x0425) that was in step is recomputed; it may be that of IIM which stands alone `beside` (before, after).
    Raises IptcError when the block is undecodable.
    """
    rewritten = _rewritten(block, edits)
    waiting = iter(rewritten)
    resources: list[Resource] = []
    digests: dict[bytes, bytes] = {}
    old, new = beside
    if old and new:
        digests[_digest(old)] = _digest(new)
    for resource in block.resources:
        if resource.is_adobe(photoshop.IPTC):
            data = next(waiting)
            digests[_digest(resource.data)] = _digest(data)
            resource = resource if data == resource.data else resource.holding(data)
        resources.append(resource)
    resources += [photoshop.new(photoshop.IPTC, data) for data in waiting if data]
    return photoshop.joined(tuple(_in_step(resource, digests) for resource in resources), block.tail)


def _in_step(resource: Resource, digests: Mapping[bytes, bytes]) -> Resource:
    """A digest that was true of an IIM block becomes that of the new one."""
    new = digests.get(resource.data, resource.data)
    if new == resource.data or not resource.is_adobe(photoshop.IPTC_DIGEST):
        return resource
    return resource.holding(new)


def graft_iim(data: Optional[bytes], edits: Mapping[IimAddress, Optional[IimValue]]) -> bytes:
    """The same on IIM that stands alone. Raises IptcError when it cannot be parsed or decoded."""
    return _rewritten(parse_iim(data), edits)[0]


def _digest(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


@dataclass(frozen=True)
class _Edit:
    """What happens to one IIM block, by the indices of its datasets."""

    removed: frozenset[int] = frozenset()
    replaced: Mapping[int, bytes] = field(default_factory=dict)
    added: tuple[Dataset, ...] = ()

    def joined(self, other: _Edit) -> _Edit:
        return _Edit(self.removed | other.removed, {**self.replaced, **other.replaced}, self.added + other.added)


def _rewritten(block: IptcBlock, edits: Mapping[IimAddress, Optional[IimValue]]) -> list[bytes]:
    """Every IIM block with the edits made; an empty one is the first when there is none."""
    if block.undecodable:
        raise IptcError(block.undecodable, place="IPTC")
    records = block.records or (Records((), b"", iim.UNMARKED),)
    made = [_Edit() for _ in records]
    for address, value in edits.items():
        texts = (value,) if isinstance(value, str) else value or ()
        wanted = tuple(text for text in texts if text)
        change = _list_edits if address.repeatable else _single_edits
        made = [old.joined(new) for old, new in zip(made, change(records, address, wanted))]
    return [_packed(each, edit) for each, edit in zip(records, made)]


def _single_edits(records: Sequence[Records], address: IimAddress, wanted: tuple[str, ...]) -> Iterator[_Edit]:
    """The value that counts is replaced where it stands; its other copies go."""
    found = [_texts(each, address) for each in records]
    current = next((texts[-1][1] for texts in found if texts), None)
    text = cut(wanted[0], address.max_bytes) if wanted else None
    if current == text or (wanted and current == wanted[0]):
        yield from (_Edit() for _ in records)
        return
    for index, texts in enumerate(found):
        gone = frozenset(at for at, _ in texts)
        if index or not text:
            yield _Edit(removed=gone)
        elif texts:
            at = texts[-1][0]
            yield _Edit(removed=gone - {at}, replaced={at: _new(address, text).raw})
        else:
            yield _Edit(added=(_new(address, text),))


def _list_edits(records: Sequence[Records], address: IimAddress, wanted: tuple[str, ...]) -> Iterator[_Edit]:
    """Items that stay keep their bytes and order; the missing ones follow."""
    found = [_texts(each, address) for each in records]
    present = {text for texts in found for _, text in texts}
    # An item of the file may be longer than the limit: then it is asked for, and stays, as it is.
    items = [text if text in present else cut(text, address.max_bytes) for text in wanted]
    missing = Counter(item for item in items if item)
    removed = [frozenset(at for at, text in texts if not _taken(missing, text)) for texts in found]
    added = tuple(_new(address, item) for item in items if _taken(missing, item))
    for index, places in enumerate(removed):
        yield _Edit(removed=places, added=() if index else added)


def _taken(counts: Counter[str], item: str) -> bool:
    if not counts.get(item):
        return False
    counts[item] -= 1
    return True


def _new(address: IimAddress, text: str) -> Dataset:
    raw = iim.encoded(address.record, address.dataset, text)
    return Dataset(address.record, address.dataset, raw, text.encode("utf-8"))


def _packed(records: Records, edit: _Edit) -> bytes:
    """The block's bytes; one that is edited becomes UTF-8 and says so."""
    if edit == _Edit():
        return b"".join([*(dataset.raw for dataset in records.datasets), records.tail])
    edit = _marked(records, edit)
    inserted: dict[int, list[Dataset]] = {}
    for dataset in sorted(edit.added, key=lambda each: each.key):
        inserted.setdefault(iim.place(records.datasets, dataset.key), []).append(dataset)
    parts: list[bytes] = []
    for index, dataset in enumerate(records.datasets):
        parts += [each.raw for each in inserted.get(index, ())]
        if index in edit.replaced:
            parts.append(edit.replaced[index])
        elif index not in edit.removed:
            parts.append(iim.as_utf8(dataset, records.charset))
    parts += [each.raw for each in inserted.get(len(records.datasets), ())]
    return b"".join([*parts, records.tail])


def _marked(records: Records, edit: _Edit) -> _Edit:
    """1:90 says UTF-8, every copy of it; a record 2 that is new begins with its version."""
    mark = iim.packed(*iim.CHARSET, iim.UTF8_MARK)
    marks = [index for index, dataset in enumerate(records.datasets) if dataset.key == iim.CHARSET]
    stale = {index: mark for index in marks if records.datasets[index].data != iim.UTF8_MARK}
    added = list(edit.added)
    if not marks:
        added.append(Dataset(*iim.CHARSET, mark, iim.UTF8_MARK))
    if edit.added and not any(dataset.record == 2 for dataset in records.datasets):
        version = iim.packed(*iim.VERSION, _RECORD_VERSION)
        added.append(Dataset(*iim.VERSION, version, _RECORD_VERSION))
    return replace(edit, replaced={**edit.replaced, **stale}, added=tuple(added))
