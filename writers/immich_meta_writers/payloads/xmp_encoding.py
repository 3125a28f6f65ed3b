"""What an encoder of XMP is: our values in, property elements out.

Not here: an encoder (xmp_builtin.py, xmp_exempi.py), and where its elements go (xmp_graft.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Optional, Protocol, Union

from immich_meta_writers.addresses import RegionEdit, RegionInfo, XmpAddress, XmpEdit
from immich_meta_writers.payloads.xmp_markup import Context, clean

NewValue = Union[str, tuple[str, ...], RegionInfo]
Edits = Mapping[XmpAddress, Optional[XmpEdit]]


class Encoded(NamedTuple):
    """One property element as UTF-8 markup, without declarations for the prefixes that `context` binds.

    Line breaks in `markup` are layout only; those of values are character references.
    """

    markup: bytes
    context: Context


class Encoder(Protocol):
    """Turns values into property elements, and may check a finished packet."""

    name: str

    def elements(self, values: Mapping[XmpAddress, NewValue]) -> dict[XmpAddress, Encoded]:
        """An element for each value. ALT takes the text of x-default, REGIONS the regions to write."""
        ...

    def check(self, packet: bytes, edits: Edits) -> None:
        """Raises SelfCheckError when an independent reader finds other values in `packet` than `edits` set."""
        ...


def cleaned(edits: Edits) -> dict[XmpAddress, Optional[XmpEdit]]:
    """The edits without characters that XML cannot hold; an empty list removes its property."""
    return {address: _cleaned(edit) for address, edit in edits.items()}


def _cleaned(edit: Optional[XmpEdit]) -> Optional[XmpEdit]:
    if isinstance(edit, str):
        return clean(edit)
    if isinstance(edit, tuple):
        return tuple(clean(text) for text in edit) or None
    return edit


def encodable(edits: Edits) -> dict[XmpAddress, NewValue]:
    """The values that an encoder has to write for these edits: of regions, the moved ones and then the added."""
    values: dict[XmpAddress, NewValue] = {}
    for address, edit in edits.items():
        if isinstance(edit, RegionEdit):
            regions = (*(region for _, region in edit.moved), *edit.added)
            if regions or edit.applied:
                values[address] = RegionInfo(edit.applied, regions)
        elif edit is not None:
            values[address] = edit
    return values


def decimal(value: float) -> str:
    """A coordinate with ten decimals, trimmed, never with an exponent: 0.5, 1, 0.0000000001."""
    text = f"{value:.10f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
