"""The stand-in server in a process of its own, so that its work is not counted as the program's.

`python -m benchmarks.stand_in SHAPE` talks JSON lines: a question on standard input, its answer on standard output.
Not here: what it says of which file (library.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Optional

from benchmarks.library import Shape, shape_of, stand_in_library

PROJECT = Path(__file__).resolve().parent.parent


class StandIn:
    """The process, and questions to it; a context manager."""

    def __init__(self, shape: Shape, environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.stand_in", shape.as_text()],
            env=dict(environ),
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        ready = self._answer()
        self.url: str = ready["url"]
        self.api_key: str = ready["api_key"]

    def __enter__(self) -> StandIn:
        return self

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def requests(self) -> int:
        """How many requests have come since the last question."""
        return int(self._ask("requests")["requests"])

    def rename_album(self, old: str, new: str) -> None:
        self._ask("rename", old, new)

    def _ask(self, *question: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the stand-in server ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


def main() -> None:
    from immich_meta.demo.server import DemoServer

    with DemoServer(stand_in_library(shape_of(sys.argv[1]))) as server:
        print(json.dumps({"url": server.url, "api_key": server.api_key}), flush=True)
        for line in sys.stdin:
            question, *words = json.loads(line)
            answer: dict[str, object] = {}
            if question == "requests":
                answer = {"requests": len(server.requests)}
                server.requests.clear()
            elif question == "rename":
                old, new = words
                album = server.library.albums.pop(old)
                album.name = new
                server.library.albums[new] = album
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
