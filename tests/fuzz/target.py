"""One try of the fuzzer: bytes that claim to be a photo or video are planned for, patched and read again.

Not here: where the bytes come from (run.py) and what was found in the past (test_finds.py).
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from typing import Optional

from fixtures.values import EVERYTHING
from immich_meta_writers import PhotoMetadata, PlanOptions, WriterError, file_types
from immich_meta_writers.plan.blocks import decode
from immich_meta_writers.plan.formats import FORMATS, homes
from immich_meta_writers.plan.media import Media, changed
from immich_meta_writers.plan.target import Target, settle
from immich_meta_writers.plan.wanted import prepared
from immich_meta_writers.source import MemorySource

OPTIONS = PlanOptions(xmp_engine="builtin")
WANTED = prepared(EVERYTHING)
SLOW = 5.0  # seconds for one file of a few kB: nothing that is read may take so long


def attempt(data: bytes, name: str = "fuzzed") -> Optional[WriterError]:
    """Plan everything into the bytes. A named error is an answer; any other, a slow one, or a result that does not
    read back, is a find.
    """
    start = time.monotonic()
    try:
        made = _written(data, name, WANTED)
        again = _written(made, name, WANTED)
    except WriterError as error:
        return error
    finally:
        took = time.monotonic() - start
        assert took < SLOW, f"{took:.1f} s for {len(data)} bytes"
    assert again == made, "a second run changes the file"
    return None


def _written(data: bytes, name: str, wanted: PhotoMetadata) -> bytes:
    kind = file_types.detect(data[: file_types.HEAD], name)
    if kind not in FORMATS:
        return data
    source = MemorySource(data)
    found = FORMATS[kind].read(source)
    media = Media(kind, found, decode(found.payloads))
    target = Target(kind.kind, homes(kind), media.blocks, media.geometry, found.room)
    _, patch = changed(media, settle(target, wanted, OPTIONS))
    check = media.format.check_whole
    if patch.splices and check is not None:
        check(source, found)
    return patch.apply(data)


def mutants(data: bytes, dice: random.Random, count: int) -> Iterable[bytes]:
    """Copies of the bytes with a few of them flipped, cut out, doubled, or overwritten by numbers that lie."""
    lies = (0, 1, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
    for _ in range(count):
        made = bytearray(data)
        for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
            place, kind = dice.randrange(len(made) or 1), dice.randrange(5)
            if kind == 0 and made:
                made[place] ^= 1 << dice.randrange(8)
            elif kind == 1:
                size = dice.choice((1, 2, 4, 8))
                value = dice.choice(lies) & ((1 << (8 * size)) - 1)
                made[place : place + size] = value.to_bytes(size, dice.choice(("big", "little")))
            elif kind == 2:
                del made[place : place + dice.choice((1, 2, 4, 12, 100))]
            elif kind == 3:
                made[place:place] = made[place : place + dice.choice((1, 4, 8, 60))]
            else:
                other = dice.randrange(len(made) or 1)
                made[place : place + 8] = made[other : other + 8]
        yield bytes(made)
