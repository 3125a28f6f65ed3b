"""Settings of several users: where each one's come from, what is refused, and that every key stays secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Optional

import pytest

from immich_meta.errors import SettingsError
from immich_meta.settings import Settings, load, load_users

URL = {"IMMICH_INSTANCE_URL": "http://immich.local:2283"}
KEYS = {"anna": "k3yOfAnnaNobodyMaySee", "ben": "k3yOfBenNobodyMaySee"}
BOTH = ",".join(f"{user}:{key}" for user, key in KEYS.items())


def users(tmp_path: Path, environ: dict[str, str], config: Optional[Path] = None) -> tuple[Settings, ...]:
    return load_users({**URL, **environ}, config, tmp_path)


def keys(found: tuple[Settings, ...]) -> dict[str, str]:
    return {settings.user: settings.api_key for settings in found}


def test_one_key_is_one_user_without_a_name(tmp_path: Path) -> None:
    (only,) = users(tmp_path, {"IMMICH_API_KEY": "key"})
    assert (only.user, only.api_key) == ("", "key")
    assert load({**URL, "IMMICH_API_KEY": "key"}, None, tmp_path) == only


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.env", f"IMMICH_API_KEYS={BOTH}\n"),
        ("a.conf", f"[immich]\nIMMICH_API_KEYS = anna: {KEYS['anna']}\n    ben:{KEYS['ben']}\n"),
        ("a.conf", "".join(f"[immich:{user}]\nimmich_api_key={key}\n" for user, key in KEYS.items())),
        ("a.json", json.dumps({"IMMICH_API_KEYS": BOTH})),
        ("a.json", json.dumps({"IMMICH_API_KEYS": KEYS})),
        ("a.json", json.dumps({"users": {user: {"IMMICH_API_KEY": key} for user, key in KEYS.items()}})),
        ("a.json", json.dumps({"immich": {"Users": {user: {"immich_api_key": key} for user, key in KEYS.items()}}})),
    ],
)
def test_every_form_of_file_names_users_in_order(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = users(tmp_path, {}, Path(name))
    assert list(keys(found).items()) == list(KEYS.items())
    assert load(URL, Path(name), tmp_path).user == "anna"


def test_what_a_user_does_not_set_is_everybodys(tmp_path: Path) -> None:
    (tmp_path / "immich-sync.conf").write_text(
        f"[immich]\nIMMICH_API_KEYS={BOTH}\nIMMICH_PATH_MAP=/data=/photos\nCAPTION_MAX_LEN=9\n"
        "[immich:ben]\nIMMICH_PATH_MAP=/data=/bens\nIMMICH_INSTANCE_URL=http://bens:1\nTZ=UTC\n"
    )
    anna, ben = users(tmp_path, {"CAPTION_MAX_LEN": "7"})
    assert (str(anna.path_map[0]), anna.instance_url, str(anna.time_zone)) == (
        "/data=/photos",
        "http://immich.local:2283",
        "Europe/Berlin",
    )
    assert (str(ben.path_map[0]), ben.instance_url, str(ben.time_zone)) == ("/data=/bens", "http://bens:1", "UTC")
    assert (anna.caption_max_len, ben.caption_max_len) == (7, 7)
    assert "[immich:ben]" in str(ben.origins["IMMICH_PATH_MAP"])


def test_the_environments_keys_beat_the_files(tmp_path: Path) -> None:
    (tmp_path / "immich-sync.conf").write_text("[immich:ben]\nIMMICH_API_KEY=old\n[immich:eve]\nIMMICH_API_KEY=eves\n")
    found = users(tmp_path, {"IMMICH_API_KEYS": BOTH})
    assert keys(found) == {**KEYS, "eve": "eves"}
    assert found[0].keys_of_all == (*KEYS.values(), "old", "eves")
    assert str(found[1].origins["IMMICH_API_KEY"]) == "environment variable IMMICH_API_KEYS"


@pytest.mark.parametrize(
    ("environ", "text", "said"),
    [
        ({"IMMICH_API_KEYS": "anna"}, "", "not usable .there is no ':' between a name and a key"),
        ({"IMMICH_API_KEYS": "anna:"}, "", "IMMICH_API_KEYS is not usable"),
        ({"IMMICH_API_KEYS": "anna:s3cret one"}, "", "IMMICH_API_KEYS is not usable"),
        ({"IMMICH_API_KEYS": "anna:s3cret1,ANNA:s3cret2"}, "", "not usable .a name is there twice"),
        ({"IMMICH_API_KEYS": "../anna:s3cret"}, "", "IMMICH_API_KEYS is not usable"),
        ({"IMMICH_API_KEYS": "anna:s3cret,ben:s3cret"}, "", "anna and ben have the same key"),
        ({"IMMICH_API_KEYS": "anna:s3cret", "IMMICH_API_KEY": "s3cret2"}, "", "is the key of one user"),
        ({}, "[immich:anna]\nTZ=UTC\n", "IMMICH_API_KEY is not set for anna"),
        ({}, "[immich:an na]\nIMMICH_API_KEY=s3cret\n", "is no name of a user"),
        ({}, "[immich:anna]\nIMMICH_API_KEY=s3cret\nLOG_FILE=a\n", "LOG_FILE in .* cannot be set for one user"),
        ({}, "[immich:anna]\nIMMICH_API_KEY=s3cret\nTZ=Nowhere\n", r"TZ is 'Nowhere', from the file .*\[immich:anna\]"),
    ],
)
def test_what_makes_no_sense_is_refused_and_no_key_repeated(
    tmp_path: Path, environ: dict[str, str], text: str, said: str
) -> None:
    (tmp_path / "immich-sync.conf").write_text(text)
    with pytest.raises(SettingsError, match=said) as caught:
        users(tmp_path, environ)
    assert "s3cret" not in str(caught.value)


def test_neither_repr_nor_the_shown_table_have_a_key(tmp_path: Path) -> None:
    for settings in users(tmp_path, {"IMMICH_API_KEYS": BOTH}):
        told = repr(settings) + repr(settings.api_keys) + str(settings.shown())
        assert not [key for key in KEYS.values() if key in told]
        table = {name: value for name, value, _ in settings.shown()}
        assert (table["IMMICH_API_KEYS"], table["IMMICH_API_KEY"]) == ("(hidden)", "(hidden)")


def test_a_misspelt_name_in_a_section_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "immich-sync.conf").write_text("[immich:anna]\nIMMICH_API_KEY=k\nIMMICH_PATH_SEGMENT=4\n")
    (anna,) = users(tmp_path, {})
    assert "did you mean IMMICH_PATH_SEGMENTS?" in anna.notes[0]


def test_commands_without_a_server_need_no_user(tmp_path: Path) -> None:
    settings = load({"IMMICH_API_KEYS": BOTH, "IMMICH_META_STATE_DIR": "/s"}, None, tmp_path, needs_server=False)
    assert (settings.user, str(settings.state_dir)) == ("", "/s")
    assert settings.keys_of_all == tuple(KEYS.values())
