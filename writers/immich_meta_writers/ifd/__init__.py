"""IFDs: the tables of TIFF as bytes; edited so that everything else stays where it is.

Not here: what a value means (payloads/exif*) and files (containers/tiff*).
"""
