"""Pictures of assets as Immich shows them, and the faces on them.

Not here: the routes (immich_meta.web.pages.pictures).
"""
