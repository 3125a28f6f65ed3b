"""The web page: what `immich-meta web` serves to a browser.

Not here: the run itself (cli/session.py), which a worker process of its own carries out (runs/worker.py).

    app = create_app(WebConfig(environ=os.environ, directory=Path.cwd(), state_dir=state_directory(None)))

    pages/      one blueprint per page
    security/   who may see them
    runs/       folders of runs, and the process that carries one out
    texts/      every word on the pages, English and German
"""

from __future__ import annotations

from immich_meta.web.app import create_app
from immich_meta.web.config import WebConfig

__all__ = ["WebConfig", "create_app"]
