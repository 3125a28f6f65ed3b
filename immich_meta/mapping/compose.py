"""An asset of Immich becomes what its file should say: one call for all modules.

Not here: fetching (api/, sync/) and every decision that needs the file (the writers).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Optional, Union
from zoneinfo import ZoneInfo

from immich_meta.api.models import Album, Asset, Edit, Face
from immich_meta.mapping.albums import names_of
from immich_meta.mapping.caption import caption_of
from immich_meta.mapping.faces import named_faces, regions_of
from immich_meta.mapping.gps import position_of
from immich_meta.mapping.notes import Notes
from immich_meta.mapping.people import people_of
from immich_meta.mapping.raster import raster_of
from immich_meta.mapping.rating import stars_of
from immich_meta.mapping.tags import tags_of
from immich_meta.mapping.time import DateSource, captured
from immich_meta_writers.metadata import PhotoMetadata, RatingSource
from immich_meta_writers.tags import Module

DEFAULT_CAPTION_MAX_LEN = 2000

_NOT_ASKED: tuple[None, Notes] = (None, ())


@dataclass(frozen=True)
class MappingOptions:
    """What is asked for: modules; `zone` (TZ) for clocks without one; the most characters of a caption."""

    modules: frozenset[Module]
    zone: ZoneInfo
    caption_max_len: int = DEFAULT_CAPTION_MAX_LEN
    date_source: DateSource = "oldest"


@dataclass(frozen=True)
class Mapped:
    """What the file should say, and what there is to tell about how it came about."""

    metadata: PhotoMetadata
    notes: Notes


def to_metadata(
    asset: Asset,
    *,
    albums: Optional[tuple[Union[Album, str], ...]],
    faces: Optional[tuple[Face, ...]],
    edits: Optional[tuple[Edit, ...]],
    options: MappingOptions,
    today: date,
) -> Mapped:
    """Asset -> PhotoMetadata, a pure function that raises for no content of the asset.

    A module that was not asked for, or whose answer is not known (`albums` None; `faces` None and none with
    the persons; `edits` None, also in the asset, for an edited one), leaves its field None.
    `today` bounds the dates in file names.
    """
    asked = options.modules
    position, of_gps = position_of(asset) if Module.GPS in asked else _NOT_ASKED
    caption, of_caption = (
        caption_of(asset, options.caption_max_len) if Module.CAPTION in asked else _NOT_ASKED
    )
    moment, of_time = (
        captured(asset, options.zone, options.date_source, today) if Module.TIME in asked else _NOT_ASKED
    )
    stars, of_rating = stars_of(asset) if Module.RATING in asked else _NOT_ASKED
    undoable = asset.edits if edits is None else edits
    regions, of_faces = regions_of(asset, faces, undoable) if Module.FACES in asked else _NOT_ASKED
    metadata = PhotoMetadata(
        people=people_of(asset) if Module.PEOPLE in asked else None,
        caption=caption,
        rating=stars.count if stars else None,
        rating_source=stars.source if stars else RatingSource.STARS,
        favorite=asset.is_favorite if Module.RATING in asked else None,
        gps=position,
        captured=moment,
        albums=names_of(albums) if Module.ALBUMS in asked and albums is not None else None,
        tags=tags_of(asset) if Module.TAGS in asked else None,
        regions=regions,
        raster=raster_of(asset, (face for _, face in named_faces(asset, faces) or ()), undoable) if regions else None,
        asset_id=asset.id,
    )
    return Mapped(metadata, of_gps + of_caption + of_time + of_rating + of_faces)
