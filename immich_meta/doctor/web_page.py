"""Would the web page be open to strangers?

Not here: the page (immich_meta.web), which does not start then.
"""

from __future__ import annotations

from collections.abc import Iterator

from immich_meta.api.address import parse_address
from immich_meta.doctor.finding import Finding, Level, good
from immich_meta.errors import SettingsError
from immich_meta.settings import Settings, Source


def page_closed(settings: Settings) -> Iterator[Finding]:
    """A fault for an address that others reach without a password; nothing when nobody has chosen an address."""
    if settings.origins["FLASK_HOST"].source is Source.DEFAULT:
        return
    if settings.web_password:
        yield good("web.closed", f"The web page is served at {settings.web_host}, with a password")
    elif _is_loopback(settings.web_host):
        yield good("web.closed", "The web page is served to this machine only")
    else:
        yield Finding(
            "web.open",
            Level.FAULT,
            f"The web page would be open to other machines at {settings.web_host}, and there is no password",
            "Who opens it could change every photo, so immich-meta web does not start.",
            "Set IMMICH_META_WEB_PASSWORD, or FLASK_HOST=127.0.0.1",
        )


def _is_loopback(host: str) -> bool:
    bare = host.strip("[]")
    try:
        return parse_address(f"http://[{bare}]" if ":" in bare else f"http://{bare}").is_loopback
    except SettingsError:
        return False
