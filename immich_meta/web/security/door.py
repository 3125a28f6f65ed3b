"""The login: a password, or a token that opens once.

Not here: how often it may be tried (attempts.py), and which pages need it (gate.py).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from typing import Callable


class Door:
    """`password` empty: `announce` hears of a token; after its use there is another one."""

    def __init__(self, password: str, secret_key: bytes, announce: Callable[[str], None]) -> None:
        self._password = password
        self._key = secret_key
        self._announce = announce
        self._lock = threading.Lock()
        self._token = ""
        # A cookie of before a change of the password opens nothing.
        self.proof = hmac.new(secret_key, f"logged in with {password or 'a token'}".encode(), "sha256").hexdigest()
        if not password:
            self._new_token()

    @property
    def has_password(self) -> bool:
        return bool(self._password)

    def opens(self, offered: str) -> bool:
        """Whether this is the password, or the token, which is used up by that."""
        if self._password:
            return _same(offered, self._password)
        with self._lock:
            is_right = _same(offered, self._token)
            if is_right:
                self._new_token()
            return is_right

    def mark(self) -> str:
        """What a browser that is let in may keep, so that it is known the next time; by itself it opens nothing."""
        name = secrets.token_hex(16)
        return f"{name}.{self._signed(name)}"

    def is_mark(self, mark: str) -> bool:
        """Whether it is one of ours, and of this password."""
        name, _, signature = mark.partition(".")
        return _same(signature, self._signed(name))

    def is_proof(self, proof: object) -> bool:
        """Whether a cookie says that its owner was let in."""
        return isinstance(proof, str) and _same(proof, self.proof)

    def _signed(self, name: str) -> str:
        text = f"known {self.proof} {name}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, text, "sha256").hexdigest()

    def _new_token(self) -> None:
        self._token = secrets.token_urlsafe(32)
        self._announce(self._token)


def _same(one: str, other: str) -> bool:
    """In the same time for all texts, whatever their length."""
    digests = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in (one, other))
    return hmac.compare_digest(*digests)
