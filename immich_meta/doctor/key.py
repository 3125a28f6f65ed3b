"""May the API key do what the modules need?

Not here: asking the server (api/preflight.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from immich_meta.api.models import Server
from immich_meta.api.preflight import EVERYTHING
from immich_meta.doctor.finding import Finding, Level, good, of_error
from immich_meta.doctor.visit import Visit
from immich_meta.errors import SameAccountError
from immich_meta.settings import Settings
from immich_meta.sync.identity import owner_hash

Version = tuple[int, int, int]


class Need(NamedTuple):
    """A permission, what a run cannot do without it, and since which version there is something to permit."""

    permission: str
    lost: str
    level: Level = Level.FAULT
    since: Version = (0, 0, 0)


NEEDS = (
    Need("asset.read", "no run can begin: the photos cannot be listed"),
    Need("user.read", "no run can begin: whose photos these are is not told"),
    Need("album.read", "--albums stops"),
    Need("tag.read", "--tags stops"),
    Need("face.read", "--face-coordinates stops"),
    Need("person.read", "--face-coordinates asks for all faces in every run", Level.WARNING, (3, 0, 0)),
    Need("asset.edit.get", "--face-coordinates leaves out photos edited in Immich", Level.WARNING, (2, 5, 0)),
)
_LEFT_OUT = "IMMICH_META_REFRESH: Immich does not read the files again after a run"
_REFRESH = Need("job.create", _LEFT_OUT, Level.WARNING)
# Up to 2.x the route has no permission of its own. Servers before 2.2.3 do not tell what a key may.
_REFRESH_BEFORE_3 = Need(EVERYTHING, _LEFT_OUT, Level.WARNING, (2, 2, 3))


def key_may(visit: Visit, refresh: str = "none") -> Iterator[Finding]:
    """One finding for all that is missing, as bad as the worst of it. `refresh`: what is asked after a run."""
    if visit.permissions is None or visit.server is None:
        return
    missing = tuple(_missing(visit.permissions, visit.server, refresh))
    if not missing:
        yield good("key.permissions", "The API key is valid and may do what every module needs")
        return
    names = ", ".join(need.permission for need in missing)
    width = max(len(need.permission) for need in missing)
    yield Finding(
        "key.permissions",
        Level.FAULT if any(need.level is Level.FAULT for need in missing) else Level.WARNING,
        f"The API key is valid, and lacks {names}",
        "",
        f"Add {names} to the key in Immich under Account Settings > API Keys.",
        details=tuple(f"{need.permission:<{width}}  {need.lost}" for need in missing),
    )


def keys_differ(visits: Iterable[tuple[Settings, Visit]]) -> Iterator[Finding]:
    """Two users of a household with one account would write the same twice."""
    owners: dict[str, str] = {}
    for settings, visit in visits:
        if visit.user is not None:
            owner = owners.setdefault(owner_hash(settings.instance_url, visit.user.id), settings.user)
            if owner != settings.user:
                error = SameAccountError(owner, settings.user)
                yield of_error("key.same_account", error, "The later one is not synced.")


def _missing(permissions: frozenset[str], server: Server, refresh: str) -> Iterator[Need]:
    needs = NEEDS if refresh == "none" else (*NEEDS, _REFRESH if server.is_v3 else _REFRESH_BEFORE_3)
    for need in needs:
        if server.version >= need.since and not permissions & {need.permission, EVERYTHING}:
            yield need
