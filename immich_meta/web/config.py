"""What the web page is made from; everything else follows from it.

Not here: where the values come from (cli/web.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Optional

from immich_meta.errors import SettingsError
from immich_meta.settings import Settings, load, load_what_is_right
from immich_meta.web.security.hosts import is_loopback


@dataclass(frozen=True)
class WebConfig:
    """`environ`, `config` and `directory` are what a `sync` on the command line would have.

    `state_dir` holds the folders of runs. `password` empty: `announce` hears of each one-time token instead.
    `secret_key` signs cookies. `clock`: seconds since 1970; `monotonic`: seconds.
    """

    environ: Mapping[str, str] = field(repr=False)
    directory: Path
    state_dir: Path
    config: Optional[Path] = None
    host: str = "127.0.0.1"
    debug: bool = False
    password: str = field(default="", repr=False)
    secret_key: bytes = field(default=b"", repr=False)
    announce: Callable[[str], None] = lambda token: None
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the page."""
        return is_loopback(self.host)

    def settings(self) -> Settings:
        """The settings as they are now: who edits the file need not start the page anew. Raises SettingsError."""
        return load(self.environ, self.config, self.directory, needs_server=False)

    def users(self) -> tuple[Settings, ...]:
        """The settings of each user, as far as they are right; of one user without a name where there are none."""
        return load_what_is_right(self.environ, self.config, self.directory)[0]

    def problems(self) -> tuple[SettingsError, ...]:
        """All that is wrong with the settings."""
        return load_what_is_right(self.environ, self.config, self.directory)[1]
