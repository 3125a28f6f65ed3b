"""Which files, and which page of them, an address asks for.

Not here: finding them (immich_meta.web.report).
"""

from __future__ import annotations

from flask import request

from immich_meta.web.report import Wanted

_LONGEST = 300
_MOST_DIGITS = 9


def wanted() -> Wanted:
    """`status`, `tag` and `text` of the query, cut to what can be meant."""
    return Wanted(*(request.args.get(name, "")[:_LONGEST] for name in ("status", "tag", "text")))


def page_number() -> int:
    """`page` of the query, from 1; 1 for anything that is no number."""
    asked = request.args.get("page", "")
    return max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) <= _MOST_DIGITS else 1
