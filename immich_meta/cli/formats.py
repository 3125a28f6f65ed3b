"""`immich-meta formats`: what is done with each kind of file that Immich can hold.

Not here: the formats (file_types.py of the writers) and the tags (tags.py there), of which the rows are made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import click

from immich_meta.cli import EXIT_CODES, EXIT_OK
from immich_meta_writers.addresses import ExifAddress, IimAddress, XmpAddress
from immich_meta_writers.file_types import EXPECTED, FileType
from immich_meta_writers.tags import CREATED, TABLE, FileKind, Module, Tag

_HEADS = ("extension", "format", "written", "payloads", "modules")
_EVERY_MODULE = tuple(module.value for module in Module)
_KINDS = {
    FileKind.IMAGE: "Images",
    FileKind.VIDEO: "Videos",
    FileKind.GIF: "GIF",
    FileKind.SIDECAR: "Sidecars",
}


@dataclass(frozen=True)
class Row:
    """One extension. `written` is embed or sidecar; `payloads` are written in the file, or in its sidecar."""

    extension: str
    format: str
    written: str
    payloads: tuple[str, ...]
    modules: tuple[str, ...]


@click.command("formats", epilog=EXIT_CODES)
@click.option("--json", "as_json", is_flag=True, help="A JSON list, one object per extension.")
@click.option("--markdown", is_flag=True, help="The page docs/formats.md.")
def command(as_json: bool, markdown: bool) -> int:
    """Show every file extension that Immich takes: whether metadata is written into the file (embed) or beside it
    (sidecar), in which payloads, and for which modules.

    What a file is, its content tells; the extension only says what to expect.
    """
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows()], indent=2))
    else:
        click.echo(page() if markdown else _table(), nl=not markdown)
    return EXIT_OK


def rows() -> tuple[Row, ...]:
    """All extensions, sorted."""
    return tuple(
        Row(ending, kind.name, "embed" if kind.embeds else "sidecar", kind.payloads, _modules(kind))
        for ending, kind in sorted(EXPECTED.items())
    )


def _modules(kind: FileType) -> tuple[str, ...]:
    """The modules with at least one row in these payloads."""
    found = {module for tag in _created(kind.kind) if payload_of(tag) in kind.payloads for module in tag.modules}
    return tuple(module.value for module in Module if module in found)


def _created(kind: FileKind) -> Iterator[Tag]:
    """The rows of the tag table that are made in such files, without the provenance that goes with each module."""
    every = tuple(Module)
    return (tag for tag in TABLE if tag.name in CREATED[kind.value] and tag.modules != every)


def payload_of(tag: Tag) -> str:
    """EXIF, IPTC, XMP or QuickTime: where a tag is kept."""
    if isinstance(tag.address, XmpAddress):
        return "XMP"
    if isinstance(tag.address, ExifAddress):
        return "EXIF"
    return "IPTC" if isinstance(tag.address, IimAddress) else "QuickTime"


def _cells(row: Row) -> tuple[str, ...]:
    modules = "all" if row.modules == _EVERY_MODULE else ", ".join(row.modules)
    return (f".{row.extension}", row.format, row.written, ", ".join(row.payloads), modules)


def _table() -> str:
    lines = [_HEADS, *map(_cells, rows())]
    widths = [max(map(len, column)) for column in zip(*lines)]
    shown = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)
    return "\n".join((*shown, "", f"all: {', '.join(_EVERY_MODULE)}"))


def page() -> str:
    """docs/formats.md."""
    kinds = [f"\n### {title}\n\n{_markdown(('module', 'tags'), _tag_rows(kind))}" for kind, title in _KINDS.items()]
    return _PAGE.format(
        table=_markdown(_HEADS, map(_cells, rows())), modules=", ".join(_EVERY_MODULE), tags="".join(kinds)
    )


def _tag_rows(kind: FileKind) -> Iterator[tuple[str, str]]:
    for module in Module:
        names = [f"`{tag.name}`" for tag in _created(kind) if module in tag.modules]
        if names:
            yield module.value, ", ".join(names)


def _markdown(heads: Sequence[str], lines: Iterator[tuple[str, ...]]) -> str:
    table = [heads, ["---"] * len(heads), *lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in table)


_PAGE = """\
# Formats

<!-- Made by `immich-meta formats --markdown > docs/formats.md`; a test holds it to the code. -->

Every file extension that Immich takes, and what this tool does with such a file in the mode `--write-to auto`:

- **embed**: into the file itself, and into its sidecar too when it has one.
- **sidecar**: beside the file, into `NAME.EXT.xmp`. The file itself is never touched. The same goes for a file of any
  other kind that is sound but cannot take the metadata without loss; the report then says why.

The content tells what a file is, not its name: a JPEG called `.heic` is treated as a JPEG. Only raw files that are TIFF
inside are told apart by their names.

{table}
**all**: {modules}.

## Tags

Named as ExifTool names them (`exiftool -G1`). IPTC only in JPEG, TIFF and DNG. A tag that is not in these lists is
updated where it stands already when it says the same thing as one that is, and is never made.
{tags}"""
