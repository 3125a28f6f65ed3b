"""Lists: foreign items stay, ours come and go.

Not here: where the wanted items come from (merge/__init__.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from immich_meta_writers.addresses import IimAddress
from immich_meta_writers.changes import Change
from immich_meta_writers.merge.decisions import Claimed, Decision, Released, View
from immich_meta_writers.merge.provenance import Claim, claim_text
from immich_meta_writers.tags import Module, Tag
from immich_meta_writers.text import cut, nfc

Wanted = Mapping[Module, Sequence[str]]


def as_written(tag: Tag) -> Callable[[str], str]:
    """How an item looks once it stands in the tag: IPTC cuts (IIM 4.2, 2:25)."""
    if isinstance(tag.address, IimAddress):
        limit = tag.address.max_bytes
        return lambda item: cut(item, limit)
    return lambda item: item


def merge_list(tag: Tag, view: View, wanted: Wanted, is_spurious: Callable[[str], bool]) -> Iterator[Decision]:
    """Merge the wanted items of the asked modules into one list tag.

    `is_spurious(item)`: the item is a mistake of this tool's predecessor and counts as ours.
    """
    write = as_written(tag)
    found = _items(view, tag)
    if view.is_glance and len(wanted) == 1 and found == tuple(*wanted.values()):
        return
    target = {nfc(item): item for items in wanted.values() for item in map(write, items)}
    if view.is_glance and len(found) == len(target) and target.keys() == {nfc(write(item)) for item in found}:
        return
    mine = [claim for module in wanted for claim in view.claims.mine(module, tag.name)]
    others = {claim.value for claim in view.claims.of(tag.name) if claim not in mine}
    ours = {claim.value for claim in mine} - others

    def stays(item: str) -> bool:
        key = nfc(write(item))
        return key in target or not (claim_text(key) in ours or is_spurious(item))

    kept = [item for item in found if stays(item)]
    present = {nfc(write(item)) for item in kept}
    items = tuple(kept) + tuple(item for key, item in target.items() if key not in present)
    if items != found:
        yield Change(tag.name, found or None, items or None, items or None)
    if not view.is_glance:
        yield from _claims(tag, view, wanted, present, mine)


def _items(view: View, tag: Tag) -> tuple[str, ...]:
    value = view.get(tag.name)
    return value if isinstance(value, tuple) else ()  # type: ignore[return-value]


def _claims(
    tag: Tag, view: View, wanted: Wanted, present: set[str], mine: Sequence[Claim]
) -> Iterator[Decision]:
    """Ours: what was not there before, and what somebody of ours had claimed already."""
    write = as_written(tag)
    claimed_by_anyone = {claim.value for claim in view.claims.of(tag.name)}
    needed = set()
    for module, items in wanted.items():
        for item in map(write, items):
            claim = view.claims.new(module, tag.name, item)
            needed.add(claim)
            if claim not in mine and (nfc(item) not in present or claim.value in claimed_by_anyone):
                yield Claimed(tag.name, claim)
    for claim in mine:
        if claim not in needed:
            yield Released(tag.name, claim)


def is_join_of(item: str, names: Sequence[str], separator: str, limit: int = 0) -> bool:
    """Whether `item` is two or more of the sorted names joined by `separator`, cut to `limit` bytes if that is given.

    The predecessor wrote all names into one item; which persons it knew then is not known now.
    """
    if separator not in item:
        return False
    item = nfc(item)
    ordered = sorted(set(map(nfc, names)))
    room = limit - len(item.encode("utf-8", "surrogatepass"))
    starts: set[int] = set()  # where another name may begin: behind a separator
    for position, name in enumerate(ordered):
        is_last = position + 1 == len(ordered)
        found: set[int] = set()
        for start in (0, *starts):
            end = start + len(name)
            if item.startswith(name, start):
                if end == len(item) and start:
                    return True
                if item.startswith(separator, end):
                    found.add(end + len(separator))
            elif 0 <= room < _bytes_behind(name, item[start:]) and (start or not is_last):
                return True
        starts |= found
    return False


def _bytes_behind(name: str, beginning: str) -> int:
    """The UTF-8 length of the character that follows `beginning` in `name`; 0 when it does not begin so."""
    if not name.startswith(beginning):
        return 0
    return len(name[len(beginning) : len(beginning) + 1].encode("utf-8", "surrogatepass"))
