"""Pages that are told by the code are what the code says, and the examples for other programs run."""

from __future__ import annotations

import doctest
import re
import shutil
from pathlib import Path

import pytest

from docs.generate import pages
from immich_meta_writers.tags import TABLE

ROOT = Path(__file__).resolve().parents[1]
MADE = ("reference.md", "tags.md")


@pytest.mark.parametrize("name", MADE)
def test_a_made_page_is_what_the_code_makes(name: str) -> None:
    said = (ROOT / "docs" / name).read_text("utf-8")
    assert said == pages()[name], "python docs/generate.py"


def test_every_tag_of_the_table_is_in_its_page() -> None:
    rows = set(re.findall(r"^\| `([^`]+)` \|", pages()["tags.md"], re.MULTILINE))
    assert rows == {tag.name for tag in TABLE}


def test_the_examples_for_other_programs_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IMG_0001.jpg", "IMG_0002.jpg"):
        shutil.copy(ROOT / "fixtures" / "base" / "rgb.jpg", tmp_path / name)
    (tmp_path / "broken.jpg").touch()
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "library.md").read_text("utf-8")
    page = doctest.DocTestParser().get_doctest(text, {}, "library.md", "docs/library.md", 0)
    said: list[str] = []
    ran = doctest.DocTestRunner(verbose=False).run(page, out=said.append)
    assert ran.failed == 0, "".join(said)
    assert ran.attempted > 25
