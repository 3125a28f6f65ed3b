"""Every word is there in both languages, and none is there for nothing."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import immich_meta.web
from immich_meta.settings_table import VARIABLES
from immich_meta.sync.report import Status
from immich_meta.web.runs.asked import fields
from immich_meta.web.texts import LANGUAGES, TEXTS, de, text
from immich_meta.web.texts.de_settings import MEANINGS
from immich_meta_writers.tags import Module
from tests.web.visitor import Site

WEB = Path(immich_meta.web.__file__).parent
# Keys that are put together: what begins like this is used.
_MADE = (
    *("option.", "count.", "module.", "outcome.", "phase.", "level.", "mistake.", "login.", "settings.", "sync."),
    *("run_state.", "status_of.", "file.no_"),
)


def places(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}


def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    assert list(TEXTS["en"]) == list(TEXTS["de"])
    for key, words in TEXTS["en"].items():
        assert places(words) == places(TEXTS["de"][key]), key


def test_every_text_that_a_page_asks_for_is_there_and_none_is_left_over() -> None:
    files = [path for path in (*WEB.rglob("*.html"), *WEB.rglob("*.py")) if "texts" not in path.parts]
    sources = [path.read_text("utf-8") for path in files]
    asked = set(re.findall(r"""\bt\(\s*['"]([a-z_]+\.[a-z_.0-9]*[a-z0-9])['"]\s*[,)]""", "\n".join(sources)))
    assert len(asked) > 50
    assert asked <= set(TEXTS["en"])
    named = {key for key in TEXTS["en"] for source in sources if f'"{key}"' in source or f"'{key}'" in source}
    assert {key for key in TEXTS["en"] if key not in named and not key.startswith(_MADE)} == set()


def test_every_status_module_and_option_has_a_name_and_every_option_its_german() -> None:
    needed = {f"count.{status.value}" for status in Status} | {f"module.{module.value}" for module in Module}
    needed |= {f"option.{field.name}" for field in fields()}
    assert needed <= set(TEXTS["en"])
    assert {field.name for field in fields()} == set(de.OPTION_HELP)


def test_every_setting_has_its_meaning_in_german() -> None:
    assert list(MEANINGS) == [variable.name for variable in VARIABLES]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_takes_any_value_as_it_is(language: str) -> None:
    assert "{x}" in text(language, "status.version", version="{x}")


def test_the_browser_says_which_language_and_the_reader_may_choose_another(site: Site) -> None:
    visitor = site.visitor(logged_in=False)
    german = visitor.get("/login", **{"Accept-Language": "de-AT,de;q=0.9"}).text
    assert '<html lang="de">' in german
    assert "Anmelden" in german
    assert '<html lang="en">' in visitor.get("/login", **{"Accept-Language": "fr"}).text
    assert '<html lang="de">' in visitor.get("/login?lang=de").text
    assert '<html lang="de">' in visitor.get("/login").text
    assert '<html lang="de">' in visitor.get("/login?lang=xx").text


def test_another_language_leads_to_the_same_page_and_takes_no_token_along(site: Site) -> None:
    visitor = site.visitor(logged_in=False)
    page = visitor.get("/login?next=/settings&token=wrong").text
    assert 'href="/login?next=/settings&amp;lang=de"' in page
    assert "token=wrong" not in page
