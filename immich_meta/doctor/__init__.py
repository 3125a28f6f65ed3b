"""What is right and wrong about a set-up: checks from facts to findings, each with what it means and what to do.

Not here: printing (cli/doctor.py). Nothing here changes a photo; the folders are tried with hidden temporary files that
are named like those of a run, so that the next run removes one that a kill has left.
"""

from __future__ import annotations

from immich_meta.doctor.examination import examine
from immich_meta.doctor.finding import Finding, Level
from immich_meta.doctor.machine import Machine, this_machine

__all__ = ["Finding", "Level", "Machine", "examine", "this_machine"]
