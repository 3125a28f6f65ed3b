"""Doing something as another user, or under a limit, with the WriterError that it raised brought back.

Not here: any assertion about it.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import Optional

import pytest

from immich_meta_writers.errors import WriterError

NOBODY = 65534

# Kind, cause and path of a WriterError; None when there was none.
Answer = Optional[tuple[str, str, Optional[str]]]


def asked(act: Callable[[], object]) -> Answer:
    try:
        act()
    except WriterError as error:
        return error.kind, error.cause, error.path
    return None


def as_nobody(act: Callable[[], object]) -> Answer:
    """As an ordinary user: root steps down for as long as it takes."""
    if os.geteuid() != 0:
        return asked(act)
    if not hasattr(os, "setresuid"):
        pytest.skip("root cannot step down here")
    groups = os.getgroups()
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, 0)
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        return asked(act)
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)


def in_child(prepare: Callable[[], None], act: Callable[[], object]) -> Answer:
    """In a forked child, after `prepare`. Any other exception, and a child that dies, is an AssertionError here."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        answer: object = "died"
        try:
            os.close(reader)
            prepare()
            answer = asked(act)
        except BaseException as error:  # noqa: BLE001 - it is reported to the parent
            answer = repr(error)
        finally:
            os.write(writer, pickle.dumps(answer))
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    answer = pickle.loads(data) if data else "the child died"
    assert answer is None or isinstance(answer, tuple), answer
    return answer
