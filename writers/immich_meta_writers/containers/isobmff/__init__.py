"""The ISO base media file format (ISO/IEC 14496-12), shared by HEIF, JPEG XL and QuickTime.

Not here: any one format (heif.py, jxl.py, quicktime.py).
"""
