"""Runs that are over, made quickly: the real command, its report put where the page's own runs have theirs.

Not here: runs that the page starts (visitor.py), and anything that is demanded (test_*.py).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any

from immich_meta.web.runs.folders import RunFolder, replace_object
from tests.cli.home import EVERYTHING
from tests.web.visitor import Site

_NUMBERS = re.compile(r"/files/(\d+)\"")


def kept_run(site: Site, *arguments: str) -> str:
    """A sync on the command line; the id that the state gives it."""
    assert site.home.sync("--yes", *arguments).code in (0, 1)
    return str(json.loads(site.home.run("history", "--json").out.splitlines()[0])["run"])


def page_run(site: Site, *arguments: str) -> RunFolder:
    """The same as a run of the page: request, report and result are in a folder."""
    dry = "--dry-run" in arguments
    folder = site.parts.folders.create(
        {"arguments": [*EVERYTHING, *arguments], "modules": ["people"], "options": {}, "dry_run": dry, "asked": 1e9}
    )
    before = site.home.run("history", "--json").out
    ran = site.home.sync("--yes", "--report", str(folder.report), *arguments)
    after = site.home.run("history", "--json").out.splitlines()
    runs = [] if dry or before.splitlines() == after else [json.loads(after[0])["run"]]
    replace_object(folder.path / "result.json", {"exit_code": ran.code, "runs": runs, "sums": {}, "error": None})
    return folder


def with_report(site: Site, lines: str, **request: Any) -> RunFolder:
    """A run that is over, of the page, with this report."""
    folder = site.parts.folders.create({"arguments": [], "modules": [], "asked": 1e9, **request})
    folder.report.write_text(lines, "utf-8", "surrogatepass")
    replace_object(folder.path / "result.json", {"exit_code": 0, "runs": [], "sums": {}, "error": None})
    return folder


def told(path: str, status: str = "updated", **fields: Any) -> str:
    """A line of a report."""
    return json.dumps({"path": path, "status": status, "changes": [], "asset_id": None, **fields}) + "\n"


def changed(tag: str, old: object, new: object) -> Mapping[str, object]:
    return {"tag": tag, "old": old, "new": new}


def words(page: str) -> str:
    """What a person reads: without tags, entities and blanks."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def numbers(page: str) -> list[int]:
    """The files that a page lists."""
    return [int(number) for number in _NUMBERS.findall(page)]
