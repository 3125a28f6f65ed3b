"""What runs did to files, read page by page: the lines of a report, or the writes that are kept of a run.

Not here: making a report (immich_meta.sync.report), and showing it (immich_meta.web.pages).
"""

from __future__ import annotations

from immich_meta.web.report.entry import FileEntry, Kept, Skipped
from immich_meta.web.report.files import Files, open_files
from immich_meta.web.report.index import NOTABLE, Overview, Wanted
from immich_meta.web.report.kept_files import KeptFiles
from immich_meta.web.report.report_file import ReportFile

__all__ = [
    "NOTABLE",
    "FileEntry",
    "Files",
    "Kept",
    "KeptFiles",
    "Overview",
    "ReportFile",
    "Skipped",
    "Wanted",
    "open_files",
]
