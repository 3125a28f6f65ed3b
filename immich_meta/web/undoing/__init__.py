"""Taking back what runs wrote, from the page: looked at first, each in a process of its own.

Not here: taking a file back (immich_meta.state.taking_back), and the pages (immich_meta.web.pages.undo).

Folders are as those of runs (immich_meta.web.runs), in `<state directory>/web/undo/`; a line of report.jsonl says what
becomes of one write: path, status, message, changes, and the number of the write.
"""
