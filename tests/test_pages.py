"""Pages that are told by the code are what the code says, and the examples for other programs run."""

from __future__ import annotations

import doctest
import re
import shutil
from pathlib import Path

import pytest

from docs.generate import pages
from immich_meta.settings_table import VARIABLES
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


def sections(page: str) -> dict[str, str]:
    """What stands below each heading of a command, `### immich-meta NAME`."""
    text = (ROOT / "docs" / page).read_text("utf-8").partition("\n## ")[2]
    parts = re.split(r"^### (immich-meta [a-z ]+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.partition("\n## ")[0] for part in parts[2::2])))


def first_column(text: str) -> set[str]:
    return set(re.findall(r"^\| `((?:[^`\\]|\\.)+)` \|", text, re.MULTILINE))


def test_the_german_reference_has_every_command_option_and_setting() -> None:
    english, german = sections("reference.md"), sections("de/reference.md")
    assert list(german) == list(english)
    for name, text in english.items():
        assert first_column(german[name]) == first_column(text), name
    rows = [first_column((ROOT / "docs" / page).read_text("utf-8")) for page in ("reference.md", "de/reference.md")]
    assert rows[0] == rows[1]
    assert {variable.name for variable in VARIABLES} <= rows[1]


def test_the_german_reference_tells_the_defaults() -> None:
    page = (ROOT / "docs" / "de" / "reference.md").read_text("utf-8")
    said = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]+)`)? ?\|", page, re.MULTILINE))
    assert said == {variable.name: variable.default for variable in VARIABLES}
