"""Runs at times of their own: when the next one is, the loop that waits for it, and a file that says how it goes.

Not here: what a run is, and the command (cli/watch.py).
"""

from immich_meta.schedule.health import BUSY, Health, LastRun, problem_of, read_health, write_health
from immich_meta.schedule.loop import Clocks, Plan, keep_running
from immich_meta.schedule.times import Schedule, cron, default_jitter, every, parse_duration, parse_schedule

__all__ = [
    "BUSY",
    "Clocks",
    "Health",
    "LastRun",
    "Plan",
    "Schedule",
    "cron",
    "default_jitter",
    "every",
    "keep_running",
    "parse_duration",
    "parse_schedule",
    "problem_of",
    "read_health",
    "write_health",
]
