"""Is the XMP engine there that was asked for?

Not here: the engines (immich_meta_writers.payloads).
"""

from __future__ import annotations

from collections.abc import Iterator

from immich_meta.doctor.finding import Finding, Level, good, sentence
from immich_meta_writers.errors import UnsupportedError


def engine_there(engine: str) -> Iterator[Finding]:
    """`engine`: auto, exempi or builtin. Only Exempi can be missing, and only when it was asked for is that a fault."""
    if engine == "builtin":
        yield good("xmp.engine", "XMP is written by the built-in engine, as IMMICH_META_XMP_ENGINE says")
        return
    from immich_meta_writers.payloads.xmp import encoder

    try:
        encoder("exempi")
    except UnsupportedError as error:
        asked = engine == "exempi"
        yield Finding(
            "xmp.engine",
            Level.FAULT if asked else Level.NOTE,
            f"Exempi is not there: {error.cause}",
            "Every file would fail." if asked else "The built-in engine does the same, without Exempi's second look.",
            sentence(error.cure),
        )
    else:
        yield good("xmp.engine", "Exempi is there, and checks the XMP that is written")
