"""What is told first of a file's changes."""

from __future__ import annotations

from immich_meta.changed import Value
from immich_meta.state import KeptChange
from immich_meta.web.report.digest import highlights

Told = list[tuple[str, Value, Value]]


def told(*changes: tuple[str, Value, Value]) -> Told:
    found = highlights(KeptChange(*change) for change in changes)
    return [(each.module, each.change.old, each.change.new) for each in found]


def test_a_place_is_one_line_and_says_on_which_half_of_the_earth_it_is() -> None:
    sydney = (
        ("GPS:GPSVersionID", None, "2.3.0.0"),
        ("GPS:GPSLatitudeRef", None, "S"),
        ("GPS:GPSLatitude", None, "33.8915"),
        ("GPS:GPSLongitudeRef", None, "E"),
        ("GPS:GPSLongitude", None, "151.2767"),
    )
    assert told(*sydney) == [("gps", None, "33.8915 S, 151.2767 E")]
    moved = (("GPS:GPSLatitude", "52.1", "52.2"), ("GPS:GPSLongitude", "13.1", "13.2"))
    assert told(*moved) == [("gps", "52.1, 13.1", "52.2, 13.2")]


def test_of_a_place_that_changes_in_part_that_part_is_told() -> None:
    assert told(("GPS:GPSLatitude", "52.1", "52.2")) == [("gps", "52.1", "52.2")]
    assert told(("GPS:GPSAltitude", "34", "35")) == [("gps", "34", "35")]
    assert told(("GPS:GPSLatitudeRef", "N", "S")) == [("gps", "N", "S")]
    assert told(("Keys:GPSCoordinates", None, "+52.4-013.1/")) == [("gps", None, "+52.4-013.1/")]


def test_every_album_is_told_and_not_only_the_first() -> None:
    old, new = ("Travel|Rome", "Albums|Old"), ("Travel|Berlin", "Albums|Spring", "Albums|Lake")
    changes = (
        ("XMP-lr:HierarchicalSubject", old, new),
        ("XMP-iptcExt:Event", "Old", "Spring"),
        ("XMP-digiKam:TagsList", ("Travel/Rome",), ("Travel/Berlin",)),
    )
    assert told(*changes) == [
        ("albums", ("Old",), ("Spring", "Lake")),
        ("tags", ("Travel/Rome",), ("Travel/Berlin",)),
    ]


def test_an_album_that_stands_nowhere_else_is_told_from_its_own_tag() -> None:
    assert told(("XMP-iptcExt:Event", None, "Spring")) == [("albums", None, "Spring")]
    lake = ("XMP-lr:HierarchicalSubject", ("Albums|Lake",), ("Albums|Lake", "Travel|Berlin"))
    assert told(lake, ("XMP-iptcExt:Event", "Lake", "Sea")) == [("albums", "Lake", "Sea")]


def test_values_that_are_no_such_thing_do_no_harm() -> None:
    odd = (("GPS:GPSLatitude", ("a", "b"), None), ("GPS:GPSLongitude", 1, "x"))
    assert told(*odd, ("XMP-lr:HierarchicalSubject", 5, "Albums|x"), ("no:such", "a", "b"))[0][0] == "gps"
