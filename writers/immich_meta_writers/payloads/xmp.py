"""XMP: the face of the payload. Read a packet, graft our properties into it, make a sidecar, choose an engine.

Not here: the work itself (xmp_reader, xmp_graft, xmp_extended and the encoders), and where packets live (containers/).
"""

from __future__ import annotations

from immich_meta_writers.errors import MetadataError, UnsupportedError
from immich_meta_writers.payloads import xmp_exempi
from immich_meta_writers.payloads.xmp_builtin import BuiltinEncoder
from immich_meta_writers.payloads.xmp_document import XmpDocument, read
from immich_meta_writers.payloads.xmp_encoding import Edits, Encoder, NewValue
from immich_meta_writers.payloads.xmp_extended import Packets, extension_guid, graft_extended, guid_of, spill
from immich_meta_writers.payloads.xmp_graft import PADDING, agrees, graft, new_sidecar
from immich_meta_writers.payloads.xmp_reader import parse, parse_new

ENGINES = ("auto", "builtin", "exempi")


def encoder(engine: str) -> Encoder:
    """The encoder of an engine: `exempi`, `builtin`, or `auto` (Exempi when the system has it).

    Raises UnsupportedError when Exempi is asked for and missing, MetadataError for another name.
    """
    if engine == "builtin":
        return BuiltinEncoder()
    if engine not in ENGINES:
        raise MetadataError(f"unknown XMP engine {engine!r}", cure=f"one of {', '.join(ENGINES)}")
    try:
        return xmp_exempi.load()
    except UnsupportedError:
        if engine == "exempi":
            raise
        return BuiltinEncoder()


__all__ = [
    "ENGINES",
    "PADDING",
    "Packets",
    "Edits",
    "Encoder",
    "NewValue",
    "XmpDocument",
    "agrees",
    "encoder",
    "extension_guid",
    "graft",
    "graft_extended",
    "guid_of",
    "new_sidecar",
    "parse",
    "parse_new",
    "read",
    "spill",
]
