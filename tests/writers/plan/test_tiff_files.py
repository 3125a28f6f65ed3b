"""TIFF and DNG from end to end: read, plan, apply, nothing left to do, the same pixels; and the look at the result.

Not here: every fixture of them (tests/contract) and the container (tests/writers/tiff).
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageSequence

from fixtures.values import CAPTION, EVERYTHING, NOTHING, PEOPLE
from immich_meta_writers import PlanOptions, WriteTo, file_types, plan, read
from immich_meta_writers.containers import Payloads, tiff
from immich_meta_writers.errors import SelfCheckError
from immich_meta_writers.patch import Patch, Splice
from immich_meta_writers.payloads import iptc, xmp
from immich_meta_writers.plan.formats import FORMATS, Format
from tests.writers.plan.photos import built, photo

EMBED = PlanOptions(xmp_engine="builtin", write_to=WriteTo.EMBED)
NAMES = ("camera.tif", "pages.tif", "big.tiff", "turned.tif", "camera.dng", "maker-note.dng")


def pixels(path: Path) -> list[tuple[str, tuple[int, int], str]]:
    """Every page, as Pillow decodes it; of a DNG that is its preview."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's opinion of tags that are not ours
        with Image.open(path) as image:
            pages: Iterator[Image.Image] = ImageSequence.Iterator(image)
            return [(page.mode, page.size, hashlib.sha256(page.tobytes()).hexdigest()) for page in pages]


@pytest.mark.parametrize("name", NAMES)
def test_a_tiff_is_read_planned_and_written_and_then_there_is_nothing_to_do(name: str, tmp_path: Path) -> None:
    path = photo(tmp_path, name, name)
    shown, before = pixels(path), read(path)
    planned = plan(path, EVERYTHING, EMBED)
    assert path.read_bytes() == built(name)
    assert {change.tag: change.old for change in planned.changes}["IFD0:ImageDescription"] == before.get(
        "IFD0:ImageDescription"
    )
    planned.apply()
    found = read(path)
    assert (found["IFD0:ImageDescription"], found["IPTC:Caption-Abstract"], found["XMP-dc:Description"]) == (
        CAPTION, CAPTION, CAPTION,
    )  # fmt: skip
    assert found["XMP-iptcExt:PersonInImage"] == PEOPLE
    assert found["IFD0:Rating"] == 4
    assert pixels(path) == shown
    again = plan(path, EVERYTHING, EMBED)
    assert again.changes == ()
    written = path.read_bytes(), path.stat().st_mtime_ns
    again.apply()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == written


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_goes_again(name: str, tmp_path: Path) -> None:
    path = photo(tmp_path, name, name)
    shown, people = pixels(path), read(path).get("XMP-iptcExt:PersonInImage")
    plan(path, EVERYTHING, EMBED).apply()
    plan(path, NOTHING, EMBED).apply()
    assert read(path).get("XMP-iptcExt:PersonInImage") == people
    assert pixels(path) == shown
    assert plan(path, NOTHING, EMBED).is_empty


def breaking(text: bytes) -> Format:
    """A container that writes all payloads and hits something else with them."""

    def patch(found: tiff.TiffFile, payloads: Payloads) -> Patch:
        made = tiff.patch(found, payloads)
        at = made.apply(built("camera.tif")).index(text)
        return made.then(Patch(made.new_size, (Splice(at, 1, b"?"),)))

    return Format(tiff.read, patch, tiff.check_whole)


@pytest.mark.parametrize("text", [b"Acme", b"2021:06:15 12:34:56"], ids=["a foreign value", "a value of ours"])
def test_a_value_that_another_payload_hit_is_seen_before_anything_is_written(
    text: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photo(tmp_path, "camera.tif", "camera.tif")
    monkeypatch.setitem(FORMATS, file_types.TIFF, breaking(text))
    with pytest.raises(SelfCheckError):
        plan(path, EVERYTHING, EMBED)


def test_the_other_payloads_of_an_edited_tiff_are_decoded_once_before_and_once_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third time, when the finished file is read back with the very same ones in it, would tell nothing new."""
    decoded: list[Any] = []
    for module, verb in ((xmp, "parse"), (xmp, "parse_new"), (iptc, "parse")):
        real = getattr(module, verb)

        def counting(data: Any, real: Any = real, verb: str = verb) -> Any:
            decoded.append(verb)
            return real(data)

        monkeypatch.setattr(module, verb, counting)
    path = photo(tmp_path, "xmp-padded.tif", "xmp-padded.tif")
    plan(path, EVERYTHING, EMBED)
    assert sorted(decoded) == ["parse", "parse", "parse", "parse_new"]
