"""Several users in one configuration: who they are, in which order, and which layers speak for each.

Not here: the values of their settings (settings.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from immich_meta.errors import SettingsError
from immich_meta.settings_files import SECTION, ConfigFile
from immich_meta.settings_sources import Layer, Origin, Source, misspellings
from immich_meta.settings_table import VARIABLES
from immich_meta.settings_values import UserKey, user_name

KEY, KEYS = "IMMICH_API_KEY", "IMMICH_API_KEYS"
# What concerns one user alone; one run has one log and one history, whoever's turn it is.
_OF_ONE = frozenset(
    {"IMMICH_INSTANCE_URL", KEY, "IMMICH_PHOTO_DIR", "IMMICH_PATH_MAP", "IMMICH_PATH_SEGMENTS", "TZ"}
    | {"CAPTION_MAX_LEN", "IMMICH_ALBUM_CACHE_TTL", "IMMICH_ALBUM_CACHE_MAX_STALE", "IMMICH_ASSET_BATCH_SIZE"}
    | {"IMMICH_SEARCH_PAGE_SIZE", "IMMICH_RATE_LIMIT", "IMMICH_LIVE_PHOTOS", "IMMICH_META_REFRESH"}
    | {"IMMICH_META_XMP_ENGINE", "IMMICH_META_SIDECAR_DIR", "IMMICH_META_KEEP_UNDO", "IMMICH_META_JOBS"}
    | {"IMMICH_META_FILE_TIMEOUT"}
)
_CURE = "each user makes a key of their own in Immich, under Account Settings > API Keys"


@dataclass(frozen=True)
class Member:
    """A user, the layers that speak for this one, and what the user should hear about."""

    user: str
    layers: tuple[Layer, ...] = field(repr=False)
    notes: tuple[str, ...] = ()


def members(
    keys: Sequence[UserKey], origin: Origin, file: ConfigFile, path: Path, layers: Sequence[Layer]
) -> Iterator[Member]:
    """Those of IMMICH_API_KEYS (`keys`, from `origin`), then those who have a section only, each in its order.

    What a user's section says is believed more than `layers`; of two keys that one from the environment.
    Raises SettingsError.
    """
    named = {each.user.casefold(): each for each in keys}
    sections = {user.casefold(): (user, values) for user, values in file.users.items()}
    if len(sections) < len(file.users):
        raise SettingsError(f"two users in {path} differ only in upper and lower case")
    for folded in dict.fromkeys((*named, *sections)):
        user, own = sections.get(folded, ("", {}))
        user = named[folded].user if folded in named else user
        place = f"{path} [{SECTION}:{user}]"
        _check(user, own, place)
        mine = [Layer(Source.FILE, own, place)]
        if folded in named:
            key = Layer(origin.source, {KEY: named[folded].key}, origin.place, KEYS)
            mine.insert(0 if origin.source is Source.ENVIRONMENT else 1, key)
        yield Member(user, (*mine, *layers), misspellings(Path(place), own))


def no_key_of_all(origin: Origin) -> SettingsError:
    """There is a key without a name, and there are users."""
    cure = f"give this user a name, too: {KEYS}=name:KEY,..."
    return SettingsError(f"{KEY} ({origin}) is the key of one user, and there are several", name=KEY, cure=cure)


def same_key(one: str, other: str) -> SettingsError:
    return SettingsError(f"{one} and {other} have the same key", name=KEYS, cure=_CURE)


def _check(user: str, values: Mapping[str, str], place: str) -> None:
    try:
        user_name(user)
    except ValueError:
        cure = "letters, digits, '.', '-' and '_' are allowed, at most 40"
        raise SettingsError(f"{user!r} in {place} is no name of a user", cure=cure) from None
    for variable in VARIABLES:
        for name in (variable.name, *variable.aliases):
            if variable.name not in _OF_ONE and name in values:
                cure = f"set it under [{SECTION}], for everybody"
                raise SettingsError(f"{name} in {place} cannot be set for one user alone", name=name, cure=cure)
