"""The sidecar as a container."""

from __future__ import annotations

import codecs

import pytest

from immich_meta_writers.containers import Payloads, sidecar
from immich_meta_writers.errors import EmptyFileError, StructureError, UnsupportedError
from immich_meta_writers.source import MemorySource

PACKET = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


@pytest.mark.parametrize(
    "head",
    [
        PACKET,
        b"\n\t <?xpacket begin=''?>",
        codecs.BOM_UTF8 + PACKET,
        codecs.BOM_UTF16_LE + PACKET.decode().encode("utf-16-le"),
        codecs.BOM_UTF32_BE + PACKET.decode().encode("utf-32-be"),
        PACKET.decode().encode("utf-16-be"),
    ],
)
def test_xml_in_any_encoding_is_accepted(head: bytes) -> None:
    assert sidecar.accepts(head)


@pytest.mark.parametrize("head", [b"", b"\xff\xd8\xff\xe0", b"JPEG", b"\0\0\0 ftyp"])
def test_anything_else_is_not(head: bytes) -> None:
    assert not sidecar.accepts(head)


def test_the_whole_file_is_the_packet() -> None:
    found = sidecar.read(MemorySource(PACKET))
    assert found.payloads == Payloads(xmp=PACKET)
    assert sidecar.patch(found, found.payloads).splices == ()
    assert sidecar.patch(found, Payloads(xmp=b"<new/>")).apply(PACKET) == b"<new/>"


def test_a_new_sidecar_is_a_patch_of_nothing() -> None:
    assert sidecar.patch(sidecar.SidecarFile(0, Payloads()), Payloads(xmp=PACKET)).apply(b"") == PACKET


def test_an_empty_sidecar_is_refused_by_name() -> None:
    with pytest.raises(EmptyFileError):
        sidecar.read(MemorySource(b""))


class Huge:
    """A file that claims to be larger than anything that may be read."""

    size = sidecar.MAX_BYTES + 1

    def read_at(self, offset: int, length: int) -> bytes:
        raise AssertionError("a huge sidecar must not be read")


def test_a_huge_sidecar_is_refused_unread() -> None:
    with pytest.raises(StructureError):
        sidecar.read(Huge())


def test_a_sidecar_holds_xmp_only() -> None:
    with pytest.raises(UnsupportedError):
        sidecar.patch(sidecar.SidecarFile(0, Payloads()), Payloads(xmp=PACKET, exif=b"II*\0"))
