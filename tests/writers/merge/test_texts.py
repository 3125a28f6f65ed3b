"""Captions, the event and the comment: whose they are decides what an empty wish does.

Not here: the character sets of the payloads.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta_writers.addresses import LangAlt
from immich_meta_writers.metadata import PhotoMetadata
from immich_meta_writers.tags import FileKind
from tests.writers.merge.views import File, changed, claims, kept

DESCRIPTION, ABSTRACT, IMAGE = "XMP-dc:Description", "IPTC:Caption-Abstract", "IFD0:ImageDescription"
TIFF = "XMP-tiff:ImageDescription"
EVENT, COMMENT, XMP_COMMENT = "XMP-iptcExt:Event", "ExifIFD:UserComment", "XMP-exif:UserComment"


def caption(text: str) -> PhotoMetadata:
    return PhotoMetadata(caption=text)


def albums(*names: str) -> PhotoMetadata:
    return PhotoMetadata(albums=names)


def alt(text: str) -> LangAlt:
    return LangAlt((("x-default", text),))


def test_a_caption_goes_to_xmp_iptc_and_exif() -> None:
    file = File()
    file.run(caption("Grüße\nvom See"))
    assert file[DESCRIPTION] == file[ABSTRACT] == file[IMAGE] == "Grüße\nvom See"
    assert file[TIFF] is None


def test_a_sidecar_holds_it_as_image_description_too() -> None:
    file = File(kind=FileKind.SIDECAR)
    file.run(caption("Hello"))
    assert file[TIFF] == file[DESCRIPTION] == "Hello"
    assert file[IMAGE] is None


def test_a_second_home_that_stands_in_the_file_is_updated() -> None:
    file = File({TIFF: alt("old")})
    file.run(caption("new"))
    assert file[TIFF] == "new"


def test_a_stale_camera_text_gives_way() -> None:
    file = File({IMAGE: "OLYMPUS DIGITAL CAMERA         "})
    file.run(caption("Hello"))
    assert file[IMAGE] == "Hello"


def test_other_languages_are_kept() -> None:
    file = File({DESCRIPTION: LangAlt((("x-default", "old"), ("de", "Hallo")))})
    file.run(caption("new"))
    file.run(caption(""))
    assert file.values[DESCRIPTION] == LangAlt((("de", "Hallo"),))


@pytest.mark.parametrize("current", ["Hello", "  Hello \n", "Hel\x00lo"])
def test_an_equal_caption_is_not_rewritten_whatever_surrounds_it(current: str) -> None:
    file = File({DESCRIPTION: alt(current), ABSTRACT: current, IMAGE: current})
    assert file.run(caption("Hello")).changes == ()


def test_line_breaks_of_any_kind_are_equal() -> None:
    file = File({DESCRIPTION: alt("a\nb"), ABSTRACT: "a\rb", IMAGE: "a\r\nb"})
    assert file.run(caption("a\nb")).changes == ()


def test_the_iptc_caption_is_cut_at_2000_bytes_at_a_character() -> None:
    file = File()
    file.run(caption("x" + "é" * 1500))
    assert file[ABSTRACT] == "x" + "é" * 999
    assert file[IMAGE] == "x" + "é" * 1500


def test_a_cut_that_ends_in_a_blank_settles() -> None:
    file = File()
    file.run(caption("x" * 1998 + " \n" + "y" * 20))
    assert file[ABSTRACT] == "x" * 1998


@pytest.mark.parametrize("text", ["Hello", "with = and\nline break", "long " * 30])
def test_an_empty_caption_removes_ours(text: str) -> None:
    file = File()
    file.run(caption(text.strip()))
    file.run(caption(""))
    assert file.values == {}
    assert file.added == ()


def test_an_empty_caption_leaves_a_foreign_one_and_reports_it() -> None:
    file = File({DESCRIPTION: alt("theirs"), IMAGE: "theirs"})
    assert kept(file.run(caption(""))) == {DESCRIPTION: "theirs", IMAGE: "theirs"}
    assert file[DESCRIPTION] == "theirs"


def test_a_caption_of_ours_that_another_program_has_changed_is_theirs() -> None:
    file = File()
    file.run(caption("ours"))
    file.values[DESCRIPTION] = alt("ours, corrected")
    merged = file.run(caption(""))
    assert kept(merged) == {DESCRIPTION: "ours, corrected"}
    assert file[IMAGE] is None


def test_another_users_caption_is_foreign() -> None:
    file = File()
    file.run(caption("theirs"), user="11111111")
    assert set(kept(file.run(caption(""), user="22222222"))) == {DESCRIPTION, ABSTRACT, IMAGE}


def test_a_caption_that_was_there_already_is_not_claimed() -> None:
    file = File({DESCRIPTION: alt("Hello")})
    assert f"caption@local {DESCRIPTION}=Hello" not in claims(file.run(caption("Hello")))
    file.run(caption(""))
    assert file[DESCRIPTION] == "Hello"


def test_a_new_caption_takes_the_claim_of_the_old_one() -> None:
    file = File()
    file.run(caption("one"))
    file.run(caption("two"))
    assert {record.partition("=")[2] for record in file.added} == {"two"}


# -- event ------------------------------------------------------------------------------------------------------------


def test_the_event_is_the_first_album() -> None:
    file = File()
    file.run(albums("Lake", "Trip"))
    assert file[EVENT] == "Lake"
    file.run(albums("Trip"))
    assert file[EVENT] == "Trip"
    file.run(albums())
    assert file[EVENT] is None


def test_a_foreign_event_stays_and_is_reported() -> None:
    file = File({EVENT: alt("Wedding")})
    assert kept(file.run(albums("Trip")))[EVENT] == "Wedding"
    assert kept(file.run(albums())) == {}
    assert file[EVENT] == "Wedding"


def test_an_empty_event_is_filled() -> None:
    file = File({EVENT: alt(" ")})
    file.run(albums("Trip"))
    assert file[EVENT] == "Trip"


def test_an_event_that_already_says_so_is_not_ours() -> None:
    file = File({EVENT: alt("Trip")})
    file.run(albums("Trip"))
    file.run(albums())
    assert file[EVENT] == "Trip"


# -- comment ----------------------------------------------------------------------------------------------------------


def test_the_comment_is_all_names() -> None:
    file = File()
    file.run(albums("Lake", "Trip"))
    assert file[COMMENT] == "Lake, Trip"
    assert file[XMP_COMMENT] is None
    file.run(albums())
    assert file[COMMENT] is None


def test_a_sidecar_has_it_as_xmp() -> None:
    file = File(kind=FileKind.SIDECAR)
    file.run(albums("Lake", "Trip"))
    assert file[XMP_COMMENT] == "Lake, Trip"


@pytest.mark.parametrize("blank", ["", "   ", "\x00\x00", "\n"])
def test_a_blank_comment_is_filled(blank: str) -> None:
    file = File({COMMENT: blank})
    file.run(albums("Trip"))
    assert file[COMMENT] == "Trip"


def test_a_foreign_comment_stays_and_is_reported() -> None:
    file = File({COMMENT: "f/8 and be there"})
    assert kept(file.run(albums("Lake", "Trip")))[COMMENT] == "f/8 and be there"
    file.run(albums())
    assert file[COMMENT] == "f/8 and be there"


@pytest.mark.parametrize("joined", ["Lake,Trip", "Lake,Sea,Trip", "Sea,Trip"])
def test_the_predecessors_comment_goes(joined: str) -> None:
    file = File({COMMENT: joined})
    file.run(albums("Lake", "Sea", "Trip"))
    assert file[COMMENT] == "Lake, Sea, Trip"


def test_a_comment_that_only_looks_like_the_predecessors_stays() -> None:
    file = File({COMMENT: "Trip,Lake"})
    assert kept(file.run(albums("Lake", "Trip")))[COMMENT] == "Trip,Lake"


# -- whatever the texts are -------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cc", "Cs"], include_characters="\n"), max_size=80).map(str.strip)


@given(
    current=st.dictionaries(st.sampled_from([ABSTRACT, IMAGE, COMMENT]), st.text(max_size=80)),
    steps=st.lists(st.tuples(texts, st.lists(texts.filter(bool), max_size=3).map(tuple)), max_size=4),
)
def test_texts_settle(current: dict[str, str], steps: list[tuple[str, tuple[str, ...]]]) -> None:
    file = File(current)
    for text, names in steps:
        file.run(PhotoMetadata(caption=text, albums=names))


@given(texts.filter(bool))
def test_every_caption_of_ours_can_be_taken_back(text: str) -> None:
    file = File()
    assert changed(file.run(caption(text)))[DESCRIPTION] == text
    file.run(caption(""))
    assert file.values == {}
