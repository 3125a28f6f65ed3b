"""The people of an asset: the names that belong into its file.

Not here: their faces (faces.py).
"""

from __future__ import annotations

from typing import Optional

from immich_meta.api.models import Asset, Person
from immich_meta.mapping.names import distinct, one_line


def name_of(person: Person) -> str:
    """The name as one line of text; empty for a person who is hidden or has none."""
    return "" if person.is_hidden else one_line(person.name)


def people_of(asset: Asset) -> Optional[tuple[str, ...]]:
    """The named, not hidden persons, sorted by code point, each name once; None when the server did not say.

    Source: TAGS.md, People.
    """
    if not asset.people_known:
        return None
    return distinct(name_of(person) for person in asset.people)
