"""All runs that there were: those of the page, and those of the command line that the state remembers.

Not here: their files (immich_meta.web.report), and taking them back (immich_meta.web.undoing).
"""
