"""What is said of each asset as it is done: a line of the report, lines of the log.

Not here: how a result is put into words (sync/report.py), and the sums (summary.py).
"""

from __future__ import annotations

import logging
from typing import Optional

from immich_meta.sync.report import ReportWriter, Status, render
from immich_meta.sync.work import Outcome

# What is meant to be left alone is no warning: it comes again in every run.
_LEVELS = {
    Status.FAILED: logging.ERROR,
    Status.MISSING: logging.WARNING,
    Status.PATH_MISMATCH: logging.WARNING,
    Status.UNSUPPORTED: logging.INFO,
}


class Teller:
    """`report` None: there is only the log."""

    def __init__(self, report: Optional[ReportWriter], log: logging.Logger) -> None:
        self._report = report
        self._log = log

    def count(self, outcome: Outcome) -> None:
        """One asset is done."""
        result = outcome.result
        if self._report:
            self._report.write(result)
        if result.error is not None:
            self._log.log(_LEVELS[result.status], "%s: %s", result.status.value, result.error.message)
            return
        disagrees = result.disagreement is not None
        first = logging.INFO if disagrees or result.status in (Status.UPDATED, Status.SIMULATED) else logging.DEBUG
        rest = logging.INFO if disagrees or result.status is Status.SIMULATED else logging.DEBUG
        if self._log.isEnabledFor(first):
            headline, *details = render(result)
            self._log.log(first, "%s", headline)
            for line in details if self._log.isEnabledFor(rest) else ():
                self._log.log(rest, "%s", line)
