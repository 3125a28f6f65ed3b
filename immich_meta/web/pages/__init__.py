"""One blueprint per page; app.py names them.

Not here: who may see a page (security/gate.py): that is settled before any of them is asked.
"""
