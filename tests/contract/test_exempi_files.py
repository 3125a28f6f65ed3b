"""Why no file is ever opened through Exempi's file handlers (XMPFiles), one measured reason per format.

Each file is read, one property is added to the packet that was found, and that is written back. Nothing else should
change, and in every format something does; where there is no handler, there is nothing to use. Measured with Exempi
2.6.3. A reason that fails here with a newer one is to be measured again; until then Exempi encodes XMP and no more.

Not here: Exempi as an encoder of properties (tests/writers/xmp).
"""

from __future__ import annotations

import ast
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.contract.cases import original

# In a process of its own: what Exempi learns from one file stays in the process.
EDIT = """
import sys, libxmp
from libxmp.consts import XMP_NS_XMP
files = libxmp.XMPFiles()
try:
    files.open_file(sys.argv[1], open_forupdate=True)
    packet = files.get_xmp() or libxmp.XMPMeta()
    packet.set_property(XMP_NS_XMP, "Rating", "4")
    files.put_xmp(packet)
    files.close_file()
except libxmp.XMPError as error:
    sys.exit(f"refused: {error}")
"""
RATING = b"Rating"
IPTC_OF_TIFF = 33723


def edited(name: str, folder: Path) -> bytes:
    path = folder / name
    path.write_bytes(original(name))
    run = subprocess.run([sys.executable, "-c", EDIT, str(path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    after = path.read_bytes()
    assert RATING in after
    return after


def opens(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except OSError:
        return False
    return True


def has_iptc(data: bytes) -> bool:
    with Image.open(io.BytesIO(data)) as image:
        return IPTC_OF_TIFF in image.getexif()


def gains_an_iptc_block(before: bytes, after: bytes) -> bool:
    return b"Photoshop 3.0\0" not in before and b"Photoshop 3.0\0" in after


def gains_an_iptc_tag(before: bytes, after: bytes) -> bool:
    return not has_iptc(before) and has_iptc(after)


def loses_what_follows_the_image(before: bytes, after: bytes) -> bool:
    behind = before[before.index(b"IEND") + 8 :]
    return len(behind) > 0 and behind not in after


def no_longer_decodes(before: bytes, after: bytes) -> bool:
    return opens(before) and not opens(after)


def loses_the_packet_that_was_there(before: bytes, after: bytes) -> bool:
    return b"<dc:subject>" in before and b"<dc:subject>" not in after


def gains_properties_that_nobody_asked_for(before: bytes, after: bytes) -> bool:
    return b"xmpDM:duration" not in before and b"xmpDM:duration" in after


REASONS: dict[str, Callable[[bytes, bytes], bool]] = {
    "xmp-plain.jpg": gains_an_iptc_block,
    "xmp-padded.tif": gains_an_iptc_tag,
    "junk-behind-iend.png": loses_what_follows_the_image,
    "lossy.webp": no_longer_decodes,
    "lossless.webp": no_longer_decodes,
    "animated-xmp.gif": loses_the_packet_that_was_there,
    "plain.mp4": gains_properties_that_nobody_asked_for,
    "xmp-uuid.mp4": gains_properties_that_nobody_asked_for,
    "plain.mov": gains_properties_that_nobody_asked_for,
}


@pytest.mark.usefixtures("has_exempi")
@pytest.mark.parametrize("name", REASONS)
def test_writing_a_file_through_exempi_is_not_harmless(name: str, tmp_path: Path) -> None:
    assert REASONS[name](original(name), edited(name, tmp_path))


@pytest.mark.usefixtures("has_exempi")
@pytest.mark.parametrize(
    "name", ["plain.heic", "plain.avif", "bare.jxl", "big.tiff", "animated.webp", "exif-and-xmp.webp"]
)
def test_other_files_exempi_cannot_write_at_all(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(original(name))
    run = subprocess.run([sys.executable, "-c", EDIT, str(path)], capture_output=True, text=True, check=False)
    assert "refused" in run.stderr
    assert path.read_bytes() == original(name)


# Names of python-xmp-toolkit that lead to a file.
FORBIDDEN = {"XMPFiles", "files", "file_to_dict", "files_open", "files_open_new", "files_new"}


def test_the_product_opens_no_file_through_exempi() -> None:
    seen = 0
    for source in (*(ROOT / "writers").rglob("*.py"), *(ROOT / "immich_meta").rglob("*.py")):
        text = source.read_text(encoding="utf-8")
        if "libxmp" not in text:
            continue
        seen += 1
        assert FORBIDDEN.isdisjoint(names(ast.parse(text))), source
    assert seen


def names(tree: ast.AST) -> set[str]:
    """Every name, attribute and imported name."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            found.update((node.module or "").split("."), (alias.name for alias in node.names))
        elif isinstance(node, ast.Import):
            found.update(part for alias in node.names for part in alias.name.split("."))
    return found
