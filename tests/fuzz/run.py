"""Fuzzes one container for a while: `python tests/fuzz/run.py png --seconds 120`; finds go to tests/fuzz/finds.

Uses atheris (coverage-guided) where it is installed, else blind mutations. Not run by the test suite: that replays the
finds (test_finds.py).
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "writers")]

ENDINGS = {
    "jpeg": (".jpg",),
    "png": (".png",),
    "webp": (".webp",),
    "gif": (".gif",),
    "jxl": (".jxl",),
    "tiff": (".tif", ".tiff", ".dng"),
    "heif": (".heic", ".heif", ".avif", ".hif"),
    "quicktime": (".mp4", ".mov", ".m4v", ".3gp"),
}
MEMORY = 3 << 30


def seeds(container: str) -> list[bytes]:
    """The fixtures of a container, the smallest first."""
    media = ROOT / "fixtures" / "media"
    return sorted((p.read_bytes() for p in media.iterdir() if p.suffix in ENDINGS[container]), key=len)


def keep(container: str, data: bytes, seen: set[str]) -> None:
    """Save a find, once for each place that raised; says what it was."""
    place = traceback.format_exc().strip().splitlines()
    where = "\n".join(line for line in place if line.lstrip().startswith("File"))
    key = hashlib.sha256(where.encode()).hexdigest()[:12]
    if key in seen:
        return
    seen.add(key)
    folder = HERE / "finds" / container
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{key}{ENDINGS[container][0]}").write_bytes(data)
    print(f"FIND {key} {place[-1][:200]}\n     {where.splitlines()[-1].strip() if where else ''}", flush=True)


def blindly(container: str, seconds: float, seed: int) -> int:
    from tests.fuzz.target import attempt, mutants

    dice, files, seen, tries = random.Random(seed), seeds(container), set[str](), 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for data in mutants(dice.choice(files), dice, 20):
            tries += 1
            try:
                attempt(data, f"fuzzed{ENDINGS[container][0]}")
            except MemoryError:
                raise
            except Exception:  # noqa: BLE001 - every error that has no name is what is looked for
                keep(container, data, seen)
    print(f"{container}: {tries} files, {len(seen)} finds")
    return len(seen)


def guided(container: str, seconds: float) -> None:
    import atheris

    with atheris.instrument_imports(include=["immich_meta_writers"]):
        from tests.fuzz.target import attempt
    seen: set[str] = set()

    def one(data: bytes) -> None:
        try:
            attempt(data, f"fuzzed{ENDINGS[container][0]}")
        except Exception:  # noqa: BLE001
            keep(container, data, seen)

    corpus = Path(sys.argv[0]).parent / ".corpus" / container
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(container)):
        (corpus / f"seed{number}").write_bytes(data)
    flags = [f"-max_total_time={int(seconds)}", "-max_len=30000", "-rss_limit_mb=3000", "-timeout=20", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], one)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("container", choices=[*ENDINGS, "all"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guided", action="store_true", help="with atheris")
    options = parser.parse_args()
    if options.guided:
        guided(options.container, options.seconds)
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    names = list(ENDINGS) if options.container == "all" else [options.container]
    sys.exit(sum(blindly(name, options.seconds, options.seed) for name in names) > 0)


if __name__ == "__main__":
    main()
