"""`immich-meta web`: the page in a browser.

Not here: the page itself (immich_meta.web).
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Callable, Optional

import click

from immich_meta.cli import EXIT_CODES, EXIT_INTERRUPTED
from immich_meta.cli.past import config_option
from immich_meta.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from immich_meta.settings import Settings
    from immich_meta.web import WebConfig

# Each browser that listens to a run has a thread (runs/streams.py); pages have the others.
_THREADS = 20
_SECONDS_TO_STOP = 8.0


@click.command("web", epilog=EXIT_CODES)
@click.option("--host", metavar="ADDRESS", help="Where to listen (FLASK_HOST, default 127.0.0.1: this machine only).")
@click.option("--port", type=click.IntRange(1, 65535), help="The port (FLASK_PORT, default 5000).")
@config_option
def command(host: Optional[str], port: Optional[int], config: Optional[Path]) -> int:
    """Look, sync and take back in a browser.

    \b
    immich-meta web                              prints a link that logs you in, once
    IMMICH_META_WEB_PASSWORD=... immich-meta web --host 0.0.0.0

    Without a password only this machine can reach the page. Runs are processes of their own: who closes the browser
    stops nothing. Ctrl-C stops the page, and a run that it has started after the files in hand.
    """
    from immich_meta import settings

    chosen = settings.load(os.environ, config, Path.cwd(), needs_server=False)
    host, port = host or chosen.web_host, port or chosen.web_port
    _check(chosen, host)
    try:
        import flask  # noqa: F401
        import waitress  # noqa: F401
    except ImportError as error:
        ways = "pip install flask waitress, pipx inject immich-meta flask waitress, or uv tool install '.[web]'"
        raise UsageError(f"the web page needs {error.name}", cure=ways) from error
    return _serve(_configured(chosen, config, host, port), chosen, port)


def _check(chosen: Settings, host: str) -> None:
    from immich_meta.web.security.hosts import is_loopback

    if not chosen.web_password and not is_loopback(host):
        raise SettingsError(
            f"the web page would be open to other machines at {host}, and there is no password",
            name="IMMICH_META_WEB_PASSWORD",
            cure="set IMMICH_META_WEB_PASSWORD, or FLASK_HOST=127.0.0.1",
        )


def _configured(chosen: Settings, config: Optional[Path], host: str, port: int) -> WebConfig:
    from immich_meta.state import state_directory
    from immich_meta.web import WebConfig
    from immich_meta.web.security.secret_key import kept_key

    state_dir = state_directory(chosen.state_dir)
    return WebConfig(
        environ=dict(os.environ),
        directory=Path.cwd(),
        state_dir=state_dir,
        config=config,
        host=host,
        debug=chosen.web_debug,
        password=chosen.web_password,
        secret_key=chosen.web_secret_key.encode() or kept_key(state_dir),
        announce=lambda token: click.echo(f"To log in, once: {_address(host, port)}/login?token={token}"),
    )


def _address(host: str, port: int) -> str:
    shown = "localhost" if host in ("0.0.0.0", "::") else host  # noqa: S104 - shown, not bound to
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _serve(web: WebConfig, chosen: Settings, port: int) -> int:
    from waitress import create_server

    from immich_meta import logs
    from immich_meta.web import create_app
    from immich_meta.web.app import LARGEST_REQUEST
    from immich_meta.web.parts import parts
    from immich_meta.web.runs.worker import secrets_of

    app = create_app(web)
    # It warns of each request that has to wait a moment, also while its threads still start.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    level, secrets = "DEBUG" if web.debug else "WARNING", secrets_of(chosen)
    with logs.configure(None, level=level, secrets=secrets, stream=sys.stderr, zone=chosen.time_zone):
        try:
            # X-Forwarded-Proto, which waitress would take away, only makes a cookie more careful (security/gate.py).
            server = create_server(
                app,
                host=web.host,
                port=port,
                threads=_THREADS,
                ident=None,
                # Its own limit is a gigabyte, which it would take in and keep on disk before anybody is asked.
                max_request_body_size=LARGEST_REQUEST,
                clear_untrusted_proxy_headers=False,
            )
        except OSError as error:
            raise SettingsError(
                f"the web page cannot be served at {web.host}, port {port}: {error.strerror or error}",
                name="FLASK_PORT",
                cure="another program may have the port: set FLASK_PORT or --port to another one",
            ) from error
        click.echo(f"The page is at {_address(web.host, port)} (Ctrl-C ends it)")
        with app.app_context():
            _until_stopped(server, parts().streams.end)
            is_over = parts().control.close(_SECONDS_TO_STOP)
            parts().undoing.close(_SECONDS_TO_STOP)
            parts().asked_server.close()
        if not is_over:
            click.echo("The run is still finishing what it has in hand.", err=True)
    return EXIT_INTERRUPTED


def _until_stopped(server: Any, end_streams: Callable[[], None]) -> None:
    """Until Ctrl-C or SIGTERM; browsers that listen do not delay it."""

    def stop(number: int, frame: Optional[FrameType]) -> None:
        end_streams()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    server.run()
    server.close()
