"""Over all media beside the checkout: everything is written, kept, and taken back byte for byte, time included.

Not here: what was written (test_corpus.py). Shows the size of what is kept with `-s`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import defaultdict
from pathlib import Path

from fixtures.values import EVERYTHING
from immich_meta_writers import Found, PlanOptions, Undo, WriterError, WriteTo, decode_undo, encode_undo, plan, revert
from tests.corpus.conftest import kind_of

LONG_AGO = 1_234_567_890_123_456_789
OPTIONS = PlanOptions(xmp_engine="builtin", write_to=WriteTo.BOTH)


def _facts(path: Path) -> tuple[bytes, int, int]:
    status = path.stat()
    return hashlib.sha256(path.read_bytes()).digest(), status.st_mtime_ns, status.st_mode


def _written(path: Path) -> list[Undo]:
    """Everything, into the photo and a sidecar; what takes it back comes out of the bytes that are kept."""
    kept: list[bytes] = []
    plan(path, EVERYTHING, OPTIONS).apply(lambda _, undo: kept.append(encode_undo(undo)))
    return [decode_undo(data) for data in kept]


def _show(sizes: dict[str, list[int]]) -> None:
    print()
    for name, found in sorted(sizes.items(), key=lambda item: -len(item[1])):
        print(f"  {name:8} {len(found):4} files: {sum(found) / len(found):6.0f} bytes each, {max(found):6} at most")


def test_every_file_is_taken_back_byte_for_byte(photos: tuple[Path, ...], tmp_path: Path) -> None:
    sizes: dict[str, list[int]] = defaultdict(list)
    for source in photos:
        path = tmp_path / source.name
        shutil.copyfile(source, path)
        os.utime(path, ns=(LONG_AGO, LONG_AGO))
        before = _facts(path)
        try:
            undos = _written(path)
        except WriterError:  # who may refuse: test_corpus.py
            undos = []
        else:
            assert undos, source
        for undo in undos:
            kind = kind_of(source) if undo.path == os.path.realpath(path) else None
            sizes[kind.name if kind else "sidecar"].append(len(encode_undo(undo)))
            assert revert(undo) is Found.NEW, source
        assert _facts(path) == before, source
        assert os.listdir(tmp_path) == [source.name]
        path.unlink()
    assert sum(map(len, sizes.values())) > len(photos)
    _show(sizes)
