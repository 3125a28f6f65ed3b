"""A real PostgreSQL on loopback, made for a test and gone with it.

Not here: what is demanded of a backup (test_*.py).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

PASSWORD = "p4ss wörd that-is-never-shown"


def binaries() -> Optional[Path]:
    """Where initdb is; None without a server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextlib.contextmanager
def running(folder: Path, programs: Path) -> Iterator[dict[str, str]]:
    """A server with a database `immich` in `folder`, which every user may write to: the settings that lead to it."""
    data, words = folder / "data", folder / "password"
    words.write_text(PASSWORD, "utf-8")
    words.chmod(0o644)
    port = _free_port()
    demoted = _as_another_user()
    made = ("-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", words, "-N", "-E", "UTF8", "--locale=C")
    _run(demoted, programs / "initdb", *made)
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    _run(demoted, programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        settings = {"DB_HOST": "127.0.0.1", "DB_PORT": str(port), "DB_USERNAME": "postgres", "DB_PASSWORD": PASSWORD}
        sql(settings, "postgres", "CREATE DATABASE immich")
        yield {**settings, "DB_NAME": "immich"}
    finally:
        _run(demoted, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def sql(settings: dict[str, str], database: str, command: str, given: bytes = b"") -> str:
    """What psql answers."""
    environ = {
        **os.environ,
        "PGHOST": settings["DB_HOST"],
        "PGPORT": settings["DB_PORT"],
        "PGUSER": settings["DB_USERNAME"],
        "PGPASSWORD": settings["DB_PASSWORD"],
        "PGDATABASE": database,
    }
    what = ["-c", command] if command else []
    answer = subprocess.run(
        ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *what],
        input=given, env=environ, check=True, capture_output=True,
    )  # fmt: skip
    return answer.stdout.decode().strip()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _as_another_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _run(demoted: dict[str, Any], *command: object) -> None:
    # No pipes: the server would keep them open.
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    done = subprocess.run(list(map(str, command)), cwd="/", **streams, **demoted)
    assert done.returncode == 0, command
