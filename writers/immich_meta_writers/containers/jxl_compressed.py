"""The content of a `brob` box (ISO/IEC 18181-2): the kind of another box, then its content as a Brotli stream.

Not here: where the box stands (jxl.py).
"""

from __future__ import annotations

from immich_meta_writers.containers.replacing import MAX_PAYLOAD_BYTES
from immich_meta_writers.errors import StructureError

KIND_BYTES = 4
# A few bytes can stand for 16 MiB, and old versions of the library take no limit: so it is fed in small steps.
_STEP = 48


def decompressed(data: bytes, place: str) -> bytes:
    """What a Brotli stream stands for, up to 64 MiB. Raises StructureError when it is more, or damaged, or cut."""
    import brotli

    stream = brotli.Decompressor()
    parts: list[bytes] = []
    size = 0
    try:
        for at in range(0, len(data), _STEP):
            part = stream.process(data[at : at + _STEP])
            size += len(part)
            if size > MAX_PAYLOAD_BYTES:
                raise StructureError(f"a brob box holds more than {MAX_PAYLOAD_BYTES} bytes", place=place)
            if part:
                parts.append(part)
    except brotli.error as error:
        raise StructureError("the Brotli stream of a brob box is damaged", place=place) from error
    if not stream.is_finished():
        raise StructureError("the Brotli stream of a brob box is cut", place=place)
    return b"".join(parts)


def compressed(kind: bytes, content: bytes) -> bytes:
    """The content of a `brob` box that stands for a box of `kind`."""
    import brotli

    return kind + bytes(brotli.compress(content))
