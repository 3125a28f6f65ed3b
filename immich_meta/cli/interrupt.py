"""SIGINT and SIGTERM: the file in hand is finished, then the run ends with its summary; a second one ends it now.

Not here: what a run does.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any, Optional, TypeVar

T = TypeVar("T")


class Interrupt:
    """A context manager that owns both signals. `requested`: somebody wants the run to end, by the signal
    `number`.
    """

    def __init__(self) -> None:
        self.requested = False
        self.number: Optional[int] = None
        self._is_waiting = False
        self._is_second = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(ValueError):  # not the main thread: the embedding program has handlers of its own
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *unused: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Within, nothing is in hand: a signal raises KeyboardInterrupt at once, also one that came before."""
        self._is_waiting = True
        try:
            if self.requested:
                raise KeyboardInterrupt
            yield
        finally:
            self._is_waiting = False

    def waiting_for(self, items: Iterable[T]) -> Iterator[T]:
        """The items; a signal that comes while the next one is waited for (a slow server) ends the wait at once."""
        iterator = iter(items)
        while True:
            try:
                with self.waiting():
                    item = next(iterator)
            except StopIteration:
                return
            except KeyboardInterrupt:
                if self._is_second:
                    raise
                return
            yield item

    def _handle(self, number: int, frame: Optional[FrameType]) -> None:
        self._is_second, self.requested = self.requested, True
        self.number = number
        if self._is_second or self._is_waiting:
            raise KeyboardInterrupt
