"""The payloads of one file: decoded together, given their changes together, checked together.

Not here: where the payloads lie in a file (containers/) and which changes there are (merge/).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from immich_meta_writers.addresses import ExifAddress, IimAddress, QuickTimeAddress, Value, XmpAddress, XmpValue
from immich_meta_writers.changes import Change
from immich_meta_writers.containers import Payloads, Room
from immich_meta_writers.errors import NoRoomError, SelfCheckError
from immich_meta_writers.payloads import exif, iptc, quicktime, xmp
from immich_meta_writers.payloads.iptc import IptcBlock
from immich_meta_writers.tags import BY_NAME, Tag

NO_ROOM = "no room left in the EXIF block"


@dataclass(frozen=True)
class XmpBlock:
    """The main packet, and the extended one that it asks for, as one."""

    main: xmp.XmpDocument
    extension: Optional[xmp.XmpDocument] = None
    guid: Optional[str] = None

    def get(self, address: XmpAddress) -> Optional[XmpValue]:
        if self.extension is None:
            return self.main.get(address)
        return xmp.read((self.main, self.extension), address)


@dataclass(frozen=True)
class Blocks:
    """Decoded payloads: `iptc` is that among the image resources, `iim` that which stands alone in a TIFF file.

    `closed`: address types that must be left alone, and why.
    """

    payloads: Payloads
    exif: Optional[exif.ExifBlock] = None
    iptc: IptcBlock = field(default_factory=IptcBlock)
    iim: IptcBlock = field(default_factory=IptcBlock)
    movie: Optional[quicktime.QuickTimeBlock] = None
    xmp: Optional[XmpBlock] = None
    closed: Mapping[type, str] = field(default_factory=dict)

    def values(self, tags: Iterable[Tag]) -> dict[str, Value]:
        """The current value of each of these tags that is there."""
        homes: dict[type, Any] = {
            ExifAddress: self.exif,
            IimAddress: self.iim if self.iim.records else self.iptc,
            QuickTimeAddress: self.movie,
            XmpAddress: self.xmp,
        }
        found: dict[str, Value] = {}
        for tag in tags:
            home = homes[type(tag.address)]
            value = None if home is None or type(tag.address) in self.closed else home.get(tag.address)
            if value is not None:
                found[tag.name] = value
        return found

    @property
    def orientation(self) -> int:
        """EXIF Orientation 1-8."""
        return 1 if self.exif is None else self.exif.orientation


def decode(payloads: Payloads, *, is_new: bool = False) -> Blocks:
    """Parse every payload; `is_new`: we have just made them. Text that cannot be decoded closes IPTC only.

    Raises ExifError, IptcError, XmpError, or StructureError for a movie's header.
    """
    block = payloads.exif if payloads.tiff is None else payloads.tiff
    resources, iim = iptc.parse(payloads.photoshop), iptc.parse_iim(payloads.iim)
    undecodable = resources.undecodable or iim.undecodable
    return Blocks(
        payloads,
        None if block is None else exif.parse(block),
        resources,
        iim,
        quicktime.parse(payloads.atoms) if payloads.atoms else None,
        _parse_xmp(payloads, xmp.parse_new if is_new else xmp.parse),
        {IimAddress: undecodable} if undecodable else {},
    )


def _parse_xmp(payloads: Payloads, parse: Callable[[bytes], xmp.XmpDocument]) -> Optional[XmpBlock]:
    if payloads.xmp is None:
        return None
    main = parse(payloads.xmp)
    guid = xmp.extension_guid(main) if payloads.xmp_extensions else None
    extension = payloads.xmp_extensions.get(guid) if guid else None
    return XmpBlock(main) if extension is None else XmpBlock(main, parse(extension), guid)


def _edits(changes: Sequence[Change], kind: type) -> dict[Any, Any]:
    return {
        BY_NAME[change.tag].address: change.edit
        for change in changes
        if isinstance(BY_NAME[change.tag].address, kind)
    }


def graft_binary(
    blocks: Blocks, changes: Sequence[Change], room: Optional[Room]
) -> tuple[Blocks, Mapping[str, str]]:
    """Blocks with the EXIF and IPTC changes made, and the tags that the file cannot take, with the reason."""
    payloads, skipped = blocks.payloads, {}
    edits = _edits(changes, ExifAddress)
    if edits and room is not None:
        payloads, full = _graft_exif(payloads, blocks.exif, edits, room.exif)
        skipped.update({change.tag: NO_ROOM for change in changes if BY_NAME[change.tag].address in full})
    edits = _edits(changes, QuickTimeAddress)
    if edits and blocks.movie is not None:
        atoms, reasons = quicktime.graft(blocks.movie, edits)
        payloads = replace(payloads, atoms=atoms)
        by_address: Mapping[Any, str] = reasons
        skipped.update({c.tag: by_address[a] for c in changes if (a := BY_NAME[c.tag].address) in by_address})
    edits = _edits(changes, IimAddress)
    if edits:
        payloads = _graft_iptc(payloads, blocks, edits)
    return (blocks if payloads is blocks.payloads else replace(blocks, payloads=payloads)), skipped


def _graft_exif(
    old: Payloads, block: Optional[exif.ExifBlock], edits: Any, room: int
) -> tuple[Payloads, Collection[ExifAddress]]:
    """The new EXIF block, or the TIFF file that is one; and what did not fit."""
    grafted = exif.graft(block, edits, room=room)
    if old.tiff is not None:
        return replace(old, tiff=grafted.view), grafted.skipped
    return replace(old, exif=grafted.block or None), grafted.skipped


def _graft_iptc(old: Payloads, blocks: Blocks, edits: Any) -> Payloads:
    """Every home of IPTC says the same; a TIFF file without one gets it as a tag of its own, as readers expect."""
    if old.tiff is None:
        return replace(old, photoshop=iptc.graft(blocks.iptc, edits) or None)
    iim = old.iim
    if blocks.iim.records or not blocks.iptc.records:
        iim = iptc.graft_iim(old.iim, edits) or None
    resources = iptc.graft(blocks.iptc, edits if blocks.iptc.records else {}, beside=(old.iim, iim))
    return replace(old, iim=iim, photoshop=resources or None)


def graft_xmp(blocks: Blocks, changes: Sequence[Change], encoder: xmp.Encoder, room: Optional[Room]) -> Blocks:
    """Blocks with the XMP changes made; `room` None is a sidecar, which has all the room it wants."""
    edits = _edits(changes, XmpAddress)
    if not edits:
        return blocks
    old = blocks.payloads
    packets = _graft_packets(blocks.xmp, old.xmp, edits, encoder, room)
    extensions = dict(old.xmp_extensions)
    if blocks.xmp is not None and blocks.xmp.guid:
        extensions.pop(blocks.xmp.guid)
    if packets.guid and packets.extension is not None:
        extensions[packets.guid] = packets.extension
    return replace(blocks, payloads=replace(old, xmp=packets.main, xmp_extensions=extensions))


def _graft_packets(
    block: Optional[XmpBlock], old: Optional[bytes], edits: Any, encoder: xmp.Encoder, room: Optional[Room]
) -> xmp.Packets:
    """The changed packet; one that outgrows its room spills into an extended one."""
    if room is None:
        made = xmp.graft(block.main, edits, encoder, padding=0) if block else xmp.new_sidecar(edits, encoder)
        return xmp.Packets(made)
    if block is None:
        return xmp.Packets(xmp.graft(None, edits, encoder, padding=room.padding))
    size = None if old is None else len(old)
    packets = xmp.graft_extended(block.main, block.extension, edits, encoder, padding=room.padding, size=size)
    if len(packets.main) <= room.xmp:
        return packets
    if not room.extends:
        raise NoRoomError(f"the XMP packet takes {len(packets.main)} of at most {room.xmp} bytes", place="XMP")
    return xmp.spill(packets.main, room.xmp, packets.extension)


def check(before: Blocks, after: Blocks, changes: Sequence[Change]) -> None:
    """EXIF, IPTC and QuickTime that nobody asked to change must be as before; XMP is checked as it is made.

    Raises SelfCheckError.
    """
    lost: Collection[str] = ()
    if before.exif is not None and after.exif is not None:
        lost = exif.differences(before.exif, after.exif, tuple(_edits(changes, ExifAddress)))
    asked = tuple(_edits(changes, IimAddress))
    for old, new in ((before.iptc, after.iptc), (before.iim, after.iim)):
        if not lost and old != new and old.foreign(asked) != new.foreign(asked):
            lost = ("IPTC",)
    movies = tuple(_edits(changes, QuickTimeAddress))
    if not lost and before.movie is not None and after.movie is not None:
        lost = () if before.movie.foreign(movies) == after.movie.foreign(movies) else ("QuickTime",)
    if lost:
        raise SelfCheckError(f"the new metadata would not keep {', '.join(lost)}", place="self check")
