"""Payloads: blocks of metadata bytes (EXIF, IPTC, XMP), read, and grafted without losing anything in them.

Not here: where a block lies in a file (containers/) and which values are wanted (merge/).
"""
