"""Programs and libraries that open the files: what they complain of, and what they show.

Not here: ExifTool (fixtures/exiftool.py).
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageSequence, features

from tests.conftest import absent


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)


def needs(program: str, name: str) -> None:
    if shutil.which(program) is None:
        absent(name)


def _lines(text: bytes) -> set[str]:
    """Messages, numbers and addresses in them made alike."""
    return {re.sub(r"0x[0-9a-f]+|\d+", "#", line.strip()) for line in text.decode("utf-8", "replace").splitlines()}


def exiv2(path: Path) -> set[str]:
    """Errors of `exiv2 -pa`; its warnings are many and harmless."""
    needs("exiv2", "exiv2")
    return {line for line in _lines(_run("exiv2", "-pa", str(path)).stderr) if line.startswith("Error")}


def ffprobe(path: Path) -> set[str]:
    needs("ffprobe", "ffmpeg")
    return _lines(_run("ffprobe", "-v", "warning", "-count_frames", "-show_streams", str(path)).stderr)


def heif_info(path: Path) -> set[str]:
    """What it prints on its error output, and how it ends."""
    needs("heif-info", "heif")
    found = _run("heif-info", str(path))
    return {*_lines(found.stderr), *([f"exit code {found.returncode}"] if found.returncode else [])}


def pillow(path: Path) -> set[str]:
    if path.suffix == ".avif" and not features.check("avif"):
        absent("avif")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            with Image.open(path) as image:
                image.load()
                image.getexif().get_ifd(0x8769)
        except (OSError, ValueError, SyntaxError) as error:
            return {_plain(type(error).__name__, path)}
    return {_plain(str(part.message), path) for part in said}


def _plain(text: str, path: Path) -> str:
    return re.sub(r"\d+", "#", text.replace(str(path), "the file"))


def pillow_heif(path: Path) -> set[str]:
    register_heif()
    return pillow(path)


def register_heif() -> None:
    if importlib.util.find_spec("pillow_heif") is None:
        absent("heif")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pillow_heif

        pillow_heif.register_heif_opener()


READERS: Mapping[str, Callable[[Path], set[str]]] = {
    "exiv2": exiv2,
    "ffmpeg": ffprobe,
    "heif": heif_info,
    "pillow": pillow,
    "pillow-heif": pillow_heif,
}


def frames(path: Path) -> list[Any]:
    """(mode, size, duration, digest) of every frame that Pillow shows; nothing where it cannot open the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path) as image:
                return [
                    (frame.mode, frame.size, frame.info.get("duration"), hashlib.sha256(frame.tobytes()).hexdigest())
                    for frame in ImageSequence.Iterator(image)
                ]
        except OSError:
            return []


def streams(path: Path) -> list[str]:
    """A digest of the packets of every stream, copied and not decoded."""
    needs("ffmpeg", "ffmpeg")
    command = ("ffmpeg", "-v", "error", "-i", str(path), "-map", "0", "-c", "copy", "-f", "streamhash", "-")
    found = _run(*command)
    return sorted(found.stdout.decode().splitlines())
