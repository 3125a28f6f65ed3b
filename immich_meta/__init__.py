"""immich-meta: what a family made in Immich, written back into its own photo files.

Not here: bytes and tags (the package immich_meta_writers).
"""
