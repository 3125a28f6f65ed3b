"""Who may see the pages: hosts, login, tokens of forms, headers.

Not here: what is on the pages.
"""
