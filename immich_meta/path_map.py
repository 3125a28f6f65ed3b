"""The value of IMMICH_PATH_MAP: which directory of the server is which directory here.

Not here: what is on the disk (sync/paths.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PAIRS = re.compile(r"[;\n]")
# A directory may have a `=` in its name, so the one that counts is followed by an absolute path.
_PAIR = re.compile(r"(?P<prefix>.+?)=(?P<target>(?:/|\\\\|[A-Za-z]:[\\/]).*)", re.DOTALL)
_WINDOWS = re.compile(r"[A-Za-z]:(?:[\\/]|$)|\\\\")


@dataclass(frozen=True)
class PathRule:
    """Paths below `prefix` on the server are below `target` here; both without a closing separator."""

    prefix: str
    target: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The prefix's components, as `split_path` gives them."""
        return split_path(self.prefix)

    def __str__(self) -> str:
        return f"{self.prefix}={self.target}"


def split_path(path: str) -> tuple[str, ...]:
    """The components of a server's path; `/` and a missing one at the start are the same.

    A backslash separates only in a path with a drive letter or a UNC start: elsewhere it is part of a
    name. The drive letter is upper-cased.
    """
    return tuple(part for part in with_slashes(path).split("/") if part)


def with_slashes(path: str) -> str:
    """A Windows path with `/` and an upper-case drive letter; any other path as it is."""
    if not _WINDOWS.match(path):
        return path
    slashed = path.replace("\\", "/")
    return slashed[:1].upper() + slashed[1:]


def parse_path_map(text: str) -> tuple[PathRule, ...]:
    """`/data/library=/library;/mnt/photos=/photos`, longest prefix first.

    Raises ValueError, with the reason, when a pair makes no sense or a prefix is given two targets.
    """
    rules: dict[tuple[str, ...], PathRule] = {}
    for pair in filter(None, (pair.strip() for pair in _PAIRS.split(text))):
        rule = _parse_pair(pair)
        known = rules.setdefault(rule.parts, rule)
        if known.target != rule.target:
            raise ValueError(f"{rule.prefix} is given two directories, {known.target} and {rule.target}")
    return tuple(sorted(rules.values(), key=lambda rule: (-len(rule.parts), rule.parts)))


def _parse_pair(pair: str) -> PathRule:
    match = _PAIR.fullmatch(pair)
    if match is None:
        raise ValueError(f"{pair!r} is not a directory of the server, '=', and an absolute directory here")
    prefix, target = (_without_closing_separator(match[name].strip()) for name in ("prefix", "target"))
    if ".." in split_path(prefix) or ".." in split_path(target):
        raise ValueError(f"{pair!r} has a '..' in it")
    return PathRule(prefix, target)


def _without_closing_separator(path: str) -> str:
    bare = path.rstrip("/\\") if _WINDOWS.match(path) else path.rstrip("/")
    if bare.endswith(":") and len(bare) == 2:
        return bare + path[2:3]
    return bare or "/"
