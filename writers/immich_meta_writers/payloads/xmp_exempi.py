"""The Exempi encoder: our properties through python-xmp-toolkit, in a fresh XMPMeta that holds nothing else.

Not here: user packets. They are never parsed for rewriting: Exempi folds aliases and loses what it does not know.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Optional

from immich_meta_writers.addresses import RegionEdit, RegionInfo, StoredRegion, XmpAddress, XmpEdit, XmpKind
from immich_meta_writers.errors import SelfCheckError, UnsupportedError
from immich_meta_writers.payloads.xmp_builtin import BuiltinEncoder
from immich_meta_writers.payloads.xmp_document import XmpDocument
from immich_meta_writers.payloads.xmp_encoding import Edits, Encoded, NewValue, decimal
from immich_meta_writers.payloads.xmp_markup import ST_AREA, ST_DIM, X
from immich_meta_writers.payloads.xmp_reader import parse, parse_new
from immich_meta_writers.payloads.xmp_tree import tree
from immich_meta_writers.payloads.xmp_values import (
    container,
)
from immich_meta_writers.tags import EXIF, TIFF

_PDF = "http://ns.adobe.com/pdf/1.3/"
# Exempi 2.6 moves these to another property and drops them when both exist (XMP part 1, annex; measured).
_ALIASES = frozenset(
    [(TIFF, name) for name in ("Artist", "Copyright", "DateTime", "ImageDescription", "Software")]
    + [(EXIF, name) for name in ("DateTime", "DateTimeDigitized")]
    + [(_PDF, name) for name in ("Author", "BaseURL", "CreationDate", "Creator", "ModDate", "Subject", "Title")]
)
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_BAG = {"prop_value_is_array": True}
_SEQ = {"prop_value_is_array": True, "prop_array_is_ordered": True}
_STRUCT = {"prop_value_is_struct": True}

# libexempi keeps its namespaces per process and python-xmp-toolkit re-assigns argtypes on shared functions.
_LOCK = threading.RLock()


def load() -> ExempiEncoder:
    """The encoder. Raises UnsupportedError when the system has no libexempi."""
    try:
        import libxmp
        from libxmp import exempi
    except ImportError as error:
        raise UnsupportedError(
            f"python-xmp-toolkit cannot be imported: {error}", place="XMP engine exempi", cure=_CURE
        ) from error
    with _LOCK:
        try:
            # Asking for a symbol loads the library; an XMPMeta would fail a second time in its __del__.
            exempi.EXEMPI.xmp_new_empty  # noqa: B018
        except (libxmp.ExempiLoadError, OSError, AttributeError) as error:
            raise UnsupportedError(str(error), place="XMP engine exempi", cure=_CURE) from error
    return ExempiEncoder(libxmp.XMPMeta, libxmp.XMPError)


_CURE = "install libexempi8 (apt) or exempi (brew), or set IMMICH_META_XMP_ENGINE to builtin or auto"


class ExempiEncoder:
    """Encodes with Exempi what Exempi can hold, the rest with the built-in encoder; checks packets with it.

    `meta` and `failure` are libxmp.XMPMeta and libxmp.XMPError, handed in so that the import stays lazy.
    """

    name = "exempi"

    def __init__(self, meta: Any, failure: type[Exception]) -> None:
        self._meta = meta
        self._failure = failure
        self._prefixes: dict[str, str] = {}
        self._builtin = BuiltinEncoder()

    def elements(self, values: Mapping[XmpAddress, NewValue]) -> dict[XmpAddress, Encoded]:
        """An element for each value."""
        found: dict[XmpAddress, Encoded] = {}
        ours = {address: value for address, value in values.items() if _is_held(address, value)}
        if ours:
            with _LOCK:
                packet = self._serialised(ours)
            found = {address: one for address, one in _cut_out(parse(packet), ours) if address in ours}
        rest = {address: value for address, value in values.items() if address not in found}
        return {**found, **self._builtin.elements(rest)}

    def _serialised(self, values: Mapping[XmpAddress, NewValue]) -> bytes:
        self._register(values)
        meta = self._meta()
        for address, value in values.items():
            if isinstance(value, RegionInfo):
                self._set_regions(meta, address, value)
            elif isinstance(value, tuple):
                options = _SEQ if address.kind is XmpKind.SEQ else _BAG
                for text in value:
                    meta.append_array_item(address.uri, self._path(address), text, options)
            elif address.kind is XmpKind.ALT:
                meta.set_localized_text(address.uri, self._path(address), None, "x-default", value)
            else:
                meta.set_property(address.uri, self._path(address), value)
        packet: str = meta.serialize_to_str(omit_packet_wrapper=True)
        return packet.encode("utf-8")

    def _register(self, addresses: Mapping[XmpAddress, object]) -> None:
        # Before anything is parsed: the first prefix that a process binds wins for all later packets.
        wanted = {address.uri: address.prefix for address in addresses}
        wanted.update({ST_AREA: "stArea", ST_DIM: "stDim"})
        for uri, prefix in wanted.items():
            if not self._prefix(uri):
                self._meta.register_namespace(uri, prefix)

    def _prefix(self, uri: str) -> str:
        if uri not in self._prefixes:
            try:
                found = str(self._meta.get_prefix_for_namespace(uri) or "").rstrip(":")
            except self._failure:
                return ""
            if not found:
                return ""
            self._prefixes[uri] = found  # a binding never changes in a process
        return self._prefixes[uri]

    def _path(self, address: XmpAddress) -> str:
        return f"{self._prefix(address.uri)}:{address.name}"

    def _set_regions(self, meta: Any, address: XmpAddress, info: RegionInfo) -> None:
        p, area, dim = self._prefix(address.uri), self._prefix(ST_AREA), self._prefix(ST_DIM)
        top = f"{p}:{address.name}"
        texts: list[tuple[str, str]] = []
        if info.applied:
            size = f"{top}/{p}:AppliedToDimensions"
            texts += [(f"{size}/{dim}:w", decimal(info.applied[0])), (f"{size}/{dim}:h", decimal(info.applied[1]))]
            texts.append((f"{size}/{dim}:unit", "pixel"))
        for position, region in enumerate(info.regions, 1):
            meta.append_array_item(address.uri, f"{top}/{p}:RegionList", None, _BAG, **_STRUCT)
            item = f"{top}/{p}:RegionList[{position}]"
            texts += [(f"{item}/{p}:Area/{area}:{edge}", decimal(getattr(region, edge))) for edge in "xywh"]
            texts.append((f"{item}/{p}:Area/{area}:unit", "normalized"))
            texts += [(f"{item}/{p}:Name", region.name), (f"{item}/{p}:Type", region.type)]
        for path, text in texts:
            meta.set_property(address.uri, path, text)

    def check(self, packet: bytes, edits: Edits) -> None:
        """Reads our values back through Exempi. A packet that Exempi itself refuses proves nothing, and passes."""
        document = parse_new(packet)
        text = _without_wrapper(document)
        if text is None:
            return
        with _LOCK:
            self._register(dict.fromkeys(edits))
            meta = self._meta()
            with _tolerated(self._failure):
                meta.parse_from_str(text, xmpmeta_wrap=False)
                self._compare(meta, document, edits)

    def _compare(self, meta: Any, document: XmpDocument, edits: Edits) -> None:
        for address, edit in edits.items():
            if edit is None or address.also or not _is_comparable(document, address, edit):
                continue
            path = self._path(address)
            found = document.get(address)
            if found is None:
                agrees = not meta.does_property_exist(address.uri, path)
            elif isinstance(found, RegionInfo):
                agrees = self._has_regions(meta, address, path, found.regions)
            else:
                agrees = meta.does_property_exist(address.uri, path) and self._agrees(meta, address, path, edit)
            if not agrees:
                raise SelfCheckError(f"Exempi reads another {address.prefix}:{address.name}", place="XMP packet")

    def _agrees(self, meta: Any, address: XmpAddress, path: str, edit: XmpEdit) -> bool:
        if isinstance(edit, tuple):
            found = [str(meta.get_array_item(address.uri, path, number + 1)) for number in range(len(edit))]
            return sorted(found) == sorted(edit)
        if isinstance(edit, RegionEdit):
            return True
        if address.kind is XmpKind.ALT:
            return _same_text(meta.get_localized_text(address.uri, path, None, "x-default"), edit)
        return _same_text(meta.get_property(address.uri, path), edit)

    def _has_regions(self, meta: Any, address: XmpAddress, path: str, regions: Sequence[StoredRegion]) -> bool:
        """Exempi finds the names of these regions at the same places."""
        prefix = self._prefix(address.uri)
        return all(
            _same_text(
                meta.get_property(address.uri, f"{path}/{prefix}:RegionList[{position}]/{prefix}:Name"), region.name
            )
            for position, region in enumerate(regions, 1)
            if region.name and _is_held(address, region.name)
        )


def _is_comparable(document: XmpDocument, address: XmpAddress, edit: XmpEdit) -> bool:
    """Whether Exempi can be asked for a property: it holds it, and it has the form that belongs to its kind.

    Asked for an item of something else, the C library prints a line on stderr each time.
    """
    occurrences = document.occurrences(address)
    if not occurrences:
        return not isinstance(edit, RegionEdit)
    if isinstance(edit, RegionEdit):
        return True
    if not _is_held(address, edit):
        return False
    if occurrences[0].attribute is not None:
        return address.kind is XmpKind.SIMPLE
    one = occurrences[0]
    holder = container(tree(document.data, one.start, one.end, document.subjects[one.node].context))
    return (holder is None) is (address.kind is XmpKind.SIMPLE)


def _same_text(found: object, wanted: str) -> bool:
    return found is not None and str(found) == wanted


@contextmanager
def _tolerated(failure: type[Exception]) -> Iterator[None]:
    try:
        yield
    except failure:
        return


def _is_held(address: XmpAddress, value: NewValue) -> bool:
    """Whether Exempi writes this value as it is: not an alias, not blank, no control characters (both get lost)."""
    if (address.uri, address.name) in _ALIASES:
        return False
    texts = [value] if isinstance(value, str) else list(value) if isinstance(value, tuple) else []
    if isinstance(value, RegionInfo):
        texts = [text for region in value.regions for text in (region.name, region.type)]
    return all(text.strip() and not _CONTROL.search(text) for text in texts)


def _cut_out(document: XmpDocument, values: Mapping[XmpAddress, NewValue]) -> Iterator[tuple[XmpAddress, Encoded]]:
    """Our elements out of Exempi's packet; those under another prefix than ours are left to the built-in encoder."""
    for address in values:
        for one in document.occurrences(address):
            context = document.subjects[one.node].context
            if one.attribute is None and context.get(address.prefix) == address.uri:
                markup = document.data[one.start : one.end]
                line = document.data.rfind(b"\n", 0, one.start)
                margin = document.data[line + 1 : one.start]
                ours = {prefix: uri for prefix, uri in context.items() if uri != X}
                yield address, Encoded(markup.replace(b"\n" + margin, b"\n"), ours)


def _without_wrapper(document: XmpDocument) -> Optional[str]:
    """The packet for Exempi: UTF-8 text without prolog and wrapper.

    None when it has nothing to look at (Exempi accepts that in silence), or two copies of a property, which it
    refuses with a line on stderr.
    """
    if document.rdf is None or document.root is None or any(len(found) > 1 for found in document.index.values()):
        return None
    text = document.data[document.root.start : document.root.end].decode("utf-8")
    if document.root.start == document.rdf.start:
        # Exempi reads a bare rdf:RDF as an empty packet.
        return f'<x:xmpmeta xmlns:x="{X}">{text}</x:xmpmeta>'
    return text
