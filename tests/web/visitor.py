"""A site over a home, and who visits it: forms filled in and sent as a browser would.

Not here: anything that is demanded of the pages (test_*.py).
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from immich_meta.web import WebConfig, create_app
from immich_meta.web.parts import Parts, parts
from immich_meta.web.runs.folders import RunFolder
from tests.cli.home import Home, wait_until

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

PASSWORD = "correct horse battery"
SECRET_KEY = b"a-secret-key-for-tests-only"
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


class Site:
    """One app; `tokens` are those that were printed."""

    def __init__(
        self,
        home: Home,
        *,
        password: str = PASSWORD,
        host: str = "127.0.0.1",
        environ: Optional[Mapping[str, str]] = None,
        **config: Any,
    ) -> None:
        self.home = home
        self.tokens: list[str] = []
        self.now = 1000.0
        self.app = create_app(
            WebConfig(
                environ={**home.environ, "IMMICH_LOG_FILE": "-", **(environ or {})},
                directory=home.directory,
                state_dir=home.directory.parent / "state",
                password=password,
                secret_key=SECRET_KEY,
                host=host,
                announce=self.tokens.append,
                **{"monotonic": lambda: self.now, **config},
            )
        )

    @property
    def parts(self) -> Parts:
        with self.app.app_context():
            return parts()

    def visitor(self, *, logged_in: bool = True) -> Visitor:
        visitor = Visitor(self.app.test_client())
        if logged_in:
            assert visitor.log_in(PASSWORD).status_code == 302
        return visitor

    def close(self) -> None:
        """End what was started."""
        self.parts.control.close(20)
        self.parts.undoing.close(20)
        self.parts.asked_server.close()


class Visitor:
    """A browser with its cookies."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers=headers, buffered=True)

    def post(self, path: str, fields: Optional[Mapping[str, Any]] = None, *, form: str = "/sync") -> TestResponse:
        """With the token of the page that the form is on."""
        return self.client.post(path, data={**(fields or {}), "csrf": self.csrf(form)})

    def csrf(self, page: str) -> str:
        found = _TOKEN.search(self.get(page).text)
        assert found is not None, page
        return html.unescape(found[1])

    def log_in(self, secret: str, address: str = "127.0.0.1") -> TestResponse:
        data = {"secret": secret, "csrf": self.csrf("/login")}
        return self.client.post("/login", data=data, environ_base={"REMOTE_ADDR": address})


def started(site: Site, visitor: Visitor, **fields: str) -> RunFolder:
    """A run that was started from the form."""
    answer = visitor.post("/sync", fields)
    assert answer.status_code == 303, answer.text
    folder = site.parts.folders.get(answer.headers["Location"].rsplit("/", 1)[1])
    assert folder is not None
    return folder


def ended(folder: RunFolder, seconds: float = 30.0) -> dict[str, Any]:
    """How a run ended, which has to come to its end."""
    wait_until(lambda: folder.result() is not None, seconds)
    return folder.result() or {}
