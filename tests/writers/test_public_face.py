"""The library's face: what it names, and what importing it does not drag in.

Not here: what its functions do.
"""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import immich_meta_writers
from immich_meta_writers import errors

ROOT = Path(immich_meta_writers.__file__).parents[1]
HEAVY = ("click", "requests", "piexif", "libxmp", "iptcinfo3", "mutagen", "PIL", "tqdm", "flask", "immich_meta")


def test_all_is_every_public_name() -> None:
    public = {
        name
        for name, value in vars(immich_meta_writers).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType) and name != "annotations"
    }
    assert set(immich_meta_writers.__all__) == public
    assert len(immich_meta_writers.__all__) == len(public)


def test_every_public_name_says_what_it_is() -> None:
    for name in immich_meta_writers.__all__:
        assert (getattr(immich_meta_writers, name).__doc__ or "").strip(), name


def test_importing_it_imports_no_heavy_library_and_no_immich() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import immich_meta_writers;"
        f" print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_it_is_typed() -> None:
    assert (Path(immich_meta_writers.__file__).parent / "py.typed").is_file()


def test_every_error_has_a_kind_of_its_own_and_is_a_writer_error() -> None:
    found = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
    assert all(issubclass(each, errors.WriterError) for each in found)
    assert len({each.kind for each in found}) == len(found)  # type: ignore[attr-defined]


def test_an_error_names_place_cause_and_cure() -> None:
    error = errors.ExifError("it lies", place="IFD0", cure="mend it", path="a.jpg")
    assert str(error) == "a.jpg: IFD0: it lies (mend it)"
    assert str(errors.WriterError("it lies")) == "it lies"
    assert "backup" in str(errors.TruncatedError("it ends"))
