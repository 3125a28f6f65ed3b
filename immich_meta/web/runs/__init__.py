"""Runs that were started from the page: their folders, and the process that carries one out.

Not here: what the pages show of them (immich_meta.web.pages).

Files of `<state directory>/web/<run-id>/`, all of them written by one process at a time:

    request.json   what was asked for, and when; by the page
    stop           its being there ends the run as Ctrl-C would; by the page
    lock           held by the worker process while it lives
    progress.json  replaced about twice a second; by the worker, as all that follows
    report.jsonl   the lines of --report
    log.jsonl      the lines of the log, as JSON
    result.json    how it ended; never there of a run that was killed

`run` is its id in the history (immich_meta.state); of a household there are several, one a user: `runs`.
"""
