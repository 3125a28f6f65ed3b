"""Text as every payload may hold it: cleaned, cut, and in one normal form.

Not here: the length of a tag (addresses.py, tags.py) and the character sets of old files (payloads/).
"""

from __future__ import annotations

import re
import unicodedata

# CR LF and CR; NEL, LS and PS are line breaks too (Unicode, 5.8).
_LINE_BREAK = re.compile("\r\n|[\r\x85\u2028\u2029]")
# C0 without tab and LF, DEL, C1, lone surrogates, and U+FFFE and U+FFFF, which no XML 1.0 document can hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SUSPECT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """The text with line breaks as LF, without control characters, lone surrogates, U+FFFE and U+FFFF."""
    if not _SUSPECT.search(text):
        return text
    return _FORBIDDEN.sub("", _LINE_BREAK.sub("\n", text))


def cut(text: str, max_bytes: int) -> str:
    """The longest beginning of `text` whose UTF-8 takes at most `max_bytes`; lone surrogates are dropped."""
    if len(text) * 4 <= max_bytes and text.isascii():
        return text
    data = text.encode("utf-8", "ignore")
    return data[: max(0, max_bytes)].decode("utf-8", "ignore")


def nfc(text: str) -> str:
    """The form in which list items are compared (Unicode NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
