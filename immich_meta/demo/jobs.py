"""The stand-in reads files again: chosen assets, or those files of a library that have another date than before.

Not here: the routes (api.py), the reader (reading.py) and what is kept of its findings (reread.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Optional

from immich_meta.demo.library import DemoAsset, Library
from immich_meta.demo.reading import found_in
from immich_meta.demo.reread import reread
from immich_meta_writers.errors import WriterError
from immich_meta_writers.plan import read_sidecar_of


@dataclass
class Jobs:
    """`disk`: a folder of the server to the folder here in which its files are; other files are not read."""

    library: Library
    version: tuple[int, int, int]
    disk: dict[str, str] = field(default_factory=dict)

    def refresh(self, assets: Iterable[DemoAsset], *, imports_faces: bool) -> None:
        """Reads these again; a sidecar only when the server knows that there is one (IMMICH.md, 6.7)."""
        for asset in assets:
            path = _here(asset.original_path, self.disk)
            if path is None:
                continue
            try:
                found = found_in(
                    path, (asset.width, asset.height), is_video=asset.kind == "VIDEO", beside=asset.has_sidecar
                )
            except (WriterError, OSError):  # as Immich: the job fails, the asset stays what it was
                continue
            reread(self.library, asset, found, version=self.version, imports_faces=imports_faces)
            asset.updated_at += timedelta(seconds=1)

    def scan(self, library_id: str, *, imports_faces: bool) -> None:
        """Reads the files of a library whose date has changed, and looks for their sidecars."""
        changed = []
        for asset in self.library.assets.values():
            path = _here(asset.original_path, self.disk) if asset.library_id == library_id else None
            if path is not None and path.exists() and _milliseconds(path) != _milliseconds_of(asset):
                asset.has_sidecar = asset.has_sidecar or read_sidecar_of(path)[0] is not None
                changed.append(asset)
        self.refresh(changed, imports_faces=imports_faces)


def _here(original: str, disk: Mapping[str, str]) -> Optional[Path]:
    for folder, here in disk.items():
        if original.startswith(f"{folder}/"):
            return Path(here) / original[len(folder) + 1 :]
    return None


def _milliseconds(path: Path) -> int:
    return path.stat().st_mtime_ns // 10**6


def _milliseconds_of(asset: DemoAsset) -> int:
    return round(asset.file_modified_at.timestamp() * 1000)
