"""Every word on the pages, in English and German.

Not here: which language is spoken (language.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from immich_meta.web.texts.de import OPTION_HELP as _GERMAN_HELP
from immich_meta.web.texts.de import TEXTS as _GERMAN
from immich_meta.web.texts.de_settings import MEANINGS as _GERMAN_MEANINGS
from immich_meta.web.texts.en import TEXTS as _ENGLISH
from immich_meta.web.texts.runs_de import TEXTS as _GERMAN_RUNS
from immich_meta.web.texts.runs_en import TEXTS as _ENGLISH_RUNS

LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}
TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {**_ENGLISH, **_ENGLISH_RUNS},
    "de": {**_GERMAN, **_GERMAN_RUNS},
}


def text(language: str, key: str, **values: object) -> str:
    """The text of that key, with values in its `{places}`. Raises KeyError for a key that is none."""
    return TEXTS[language][key].format(**values)


def has(key: str) -> bool:
    return key in TEXTS["en"]


def setting_meaning(language: str, name: str, english: str) -> str:
    """What a setting means; English is what the table of settings says."""
    return _GERMAN_MEANINGS.get(name, english) if language == "de" else english


def option_help(language: str, name: str, english: str) -> str:
    """What an option of `sync` is for; English is what the command line says."""
    return _GERMAN_HELP.get(name, english) if language == "de" else english
