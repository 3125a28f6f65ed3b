"""Settings: where values come from, what is refused, and that the key stays secret."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immich_meta.errors import SettingsError
from immich_meta.path_map import PathRule, parse_path_map, split_path
from immich_meta.settings import Settings, Source, load
from immich_meta.settings_files import read_config
from immich_meta.settings_table import VARIABLES

KEY = "k3yThatNobodyMaySee"
SERVER = {"IMMICH_INSTANCE_URL": "http://immich.local:2283", "IMMICH_API_KEY": KEY}


def _load(tmp_path: Path, environ: Optional[dict[str, str]] = None, config: Optional[Path] = None) -> Settings:
    return load({**SERVER, **(environ or {})}, config, tmp_path)


def test_defaults_are_the_documented_ones(tmp_path: Path) -> None:
    settings = _load(tmp_path)
    assert settings.photo_dir == Path("/library")
    assert str(settings.time_zone) == "Europe/Berlin"
    assert settings.log_file == tmp_path / "immich_ultra_sync.txt"
    assert (settings.caption_max_len, settings.album_cache_ttl, settings.album_cache_max_stale) == (
        2000,
        86400,
        604800,
    )
    assert (settings.path_segments, settings.asset_batch_size, settings.search_page_size) == (3, 25, 1000)
    assert (settings.path_map, settings.rate_limit, settings.xmp_engine) == ((), None, "auto")
    assert (settings.state_dir, settings.keep_undo, settings.jobs, settings.file_timeout) == (None, 90, None, 120)
    assert not settings.json_logs


def test_the_environment_beats_the_file_and_the_file_the_default(tmp_path: Path) -> None:
    config = tmp_path / "my.env"
    config.write_text("CAPTION_MAX_LEN=100\nIMMICH_PATH_SEGMENTS=5\n")
    settings = _load(tmp_path, {"CAPTION_MAX_LEN": "50"}, config)
    assert (settings.caption_max_len, settings.path_segments, settings.asset_batch_size) == (50, 5, 25)
    sources = [settings.origins[name].source for name in ("CAPTION_MAX_LEN", "IMMICH_PATH_SEGMENTS", "TZ")]
    assert sources == [Source.ENVIRONMENT, Source.FILE, Source.DEFAULT]
    assert str(settings.origins["IMMICH_PATH_SEGMENTS"]) == f"IMMICH_PATH_SEGMENTS in {config}"


def test_an_empty_variable_is_one_that_is_not_set(tmp_path: Path) -> None:
    assert _load(tmp_path, {"IMMICH_PATH_SEGMENTS": "  ", "IMMICH_PATH_MAP": ""}).path_segments == 3


@pytest.mark.parametrize(
    ("alias", "name", "field"),
    [("PHOTO_DIR", "IMMICH_PHOTO_DIR", "photo_dir"), ("LOG_FILE", "IMMICH_LOG_FILE", "log_file")],
)
def test_an_alias_counts_until_the_name_itself_is_set(tmp_path: Path, alias: str, name: str, field: str) -> None:
    assert getattr(_load(tmp_path, {alias: "/a"}), field) == Path("/a")
    assert getattr(_load(tmp_path, {alias: "/a", name: "/b"}), field) == Path("/b")


def test_a_dash_is_no_log_file(tmp_path: Path) -> None:
    assert _load(tmp_path, {"LOG_FILE": "-"}).log_file is None


@pytest.mark.parametrize(
    "environ",
    [{"IMMICH_LOG_FORMAT": "JSON"}, {"IMMICH_STRUCTURED_LOGS": "true"}, {"IMMICH_STRUCTURED_LOGS": "1"}],
)
def test_either_variable_asks_for_json_logs(tmp_path: Path, environ: dict[str, str]) -> None:
    assert _load(tmp_path, environ).json_logs


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IMMICH_PATH_SEGMENTS", "0"),
        ("IMMICH_PATH_SEGMENTS", "11"),
        ("IMMICH_PATH_SEGMENTS", "3.0"),
        ("IMMICH_PATH_SEGMENTS", "٣"),
        ("IMMICH_ASSET_BATCH_SIZE", "0"),
        ("IMMICH_SEARCH_PAGE_SIZE", "-1"),
        ("IMMICH_SEARCH_PAGE_SIZE", "many"),
        ("CAPTION_MAX_LEN", "99999999999999999999999"),
        ("IMMICH_ALBUM_CACHE_TTL", "-1"),
        ("IMMICH_ALBUM_CACHE_MAX_STALE", "1 day"),
        ("IMMICH_RATE_LIMIT", "-1"),
        ("IMMICH_RATE_LIMIT", "nan"),
        ("IMMICH_RATE_LIMIT", "fast"),
        ("IMMICH_LOG_FORMAT", "xml"),
        ("IMMICH_STRUCTURED_LOGS", "maybe"),
        ("IMMICH_META_XMP_ENGINE", "exiftool"),
        ("IMMICH_META_KEEP_UNDO", "-1"),
        ("IMMICH_META_JOBS", "65"),
        ("IMMICH_META_FILE_TIMEOUT", "0"),
        ("TZ", "Europe/Atlantis"),
        ("TZ", "Europe"),
        ("TZ", "../../etc/passwd"),
        ("IMMICH_INSTANCE_URL", "immich.local:2283"),
        ("IMMICH_INSTANCE_URL", "ftp://immich.local"),
        ("IMMICH_INSTANCE_URL", "http://"),
        ("IMMICH_INSTANCE_URL", "http://host:99999"),
        ("IMMICH_INSTANCE_URL", "http://[::1"),
        ("IMMICH_INSTANCE_URL", "http://host/?key=1"),
        ("IMMICH_PATH_MAP", "/data"),
        ("IMMICH_PATH_MAP", "/data=library"),
        ("IMMICH_PATH_MAP", "/data=/a/../b"),
        ("IMMICH_PATH_MAP", "/data=/a;/data/=/b"),
        ("IMMICH_PHOTO_DIR", "/pho\ntos"),
        ("PHOTO_DIR", "/pho\0tos"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, {name: value})
    message = str(caught.value)
    assert caught.value.exit_code == 2
    assert caught.value.name == name
    assert name in message
    assert repr(value)[1:-1] in message
    assert "allowed: " in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("IMMICH_RATE_LIMIT", "0.5", "rate_limit", 0.5),
        ("IMMICH_RATE_LIMIT", "0", "rate_limit", None),
        (
            "IMMICH_INSTANCE_URL",
            "https://h.example/immich/api/",
            "instance_url",
            "https://h.example/immich/api",
        ),
        ("IMMICH_SEARCH_PAGE_SIZE", "5000", "search_page_size", 5000),
        ("IMMICH_META_XMP_ENGINE", "Builtin", "xmp_engine", "builtin"),
        ("IMMICH_PHOTO_DIR", "photos", "photo_dir", "CWD/photos"),
        ("IMMICH_META_STATE_DIR", "photos", "state_dir", "CWD/photos"),
        ("IMMICH_META_KEEP_UNDO", "0", "keep_undo", 0),
        ("IMMICH_META_JOBS", "0", "jobs", 0),
    ],
)
def test_a_good_value_is_read(tmp_path: Path, name: str, value: str, field: str, expected: object) -> None:
    if expected == "CWD/photos":
        expected = tmp_path / "photos"
    assert getattr(_load(tmp_path, {name: value}), field) == expected


@pytest.mark.parametrize("value", [":Europe/Paris", "Europe/Paris"])
def test_a_time_zone_may_be_written_as_posix_does(tmp_path: Path, value: str) -> None:
    assert str(_load(tmp_path, {"TZ": value}).time_zone) == "Europe/Paris"


def test_a_time_zone_may_be_a_file_of_the_database(tmp_path: Path) -> None:
    (tmp_path / "zoneinfo" / "Asia").mkdir(parents=True)
    (tmp_path / "zoneinfo" / "Asia" / "Tokyo").touch()
    (tmp_path / "localtime").symlink_to(tmp_path / "zoneinfo" / "Asia" / "Tokyo")
    assert str(_load(tmp_path, {"TZ": f":{tmp_path}/localtime"}).time_zone) == "Asia/Tokyo"


@pytest.mark.parametrize("missing", [["IMMICH_INSTANCE_URL"], ["IMMICH_API_KEY"], sorted(SERVER)])
def test_a_missing_address_or_key_says_how_to_set_it(tmp_path: Path, missing: list[str]) -> None:
    environ = {name: value for name, value in SERVER.items() if name not in missing}
    with pytest.raises(SettingsError, match="not set") as caught:
        load(environ, None, tmp_path)
    for name in missing:
        assert f"{name}=" in str(caught.value)
    assert "immich-sync.conf" in str(caught.value)
    assert load(environ, None, tmp_path, needs_server=False).path_segments == 3


@pytest.mark.parametrize("value", ["zwei wörter", "a b", "line\x07feed", "ключ"])
def test_a_wrong_key_is_never_repeated(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingsError, match="IMMICH_API_KEY") as caught:
        load({**SERVER, "IMMICH_API_KEY": value}, None, tmp_path)
    assert value not in str(caught.value)
    assert repr(value)[1:-1] not in str(caught.value)
    assert caught.value.__suppress_context__


def test_neither_repr_nor_the_shown_table_have_the_key_or_a_password(tmp_path: Path) -> None:
    settings = _load(tmp_path, {"IMMICH_INSTANCE_URL": "https://ann:s3cret@h.example"})
    assert KEY not in repr(settings)
    table = {name: (value, origin) for name, value, origin in settings.shown()}
    assert set(table) == {variable.name for variable in VARIABLES}
    assert KEY not in str(table)
    assert "s3cret" not in str(table)
    assert table["IMMICH_RATE_LIMIT"] == ("unlimited", "default")
    assert table["IMMICH_API_KEY"] == ("(hidden)", "environment variable IMMICH_API_KEY")


def test_a_password_in_a_wrong_address_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, {"IMMICH_INSTANCE_URL": "https://ann:s3cret@h.example/#x"})
    assert "s3cret" not in str(caught.value)


def test_every_default_is_a_value_that_is_allowed() -> None:
    for variable in VARIABLES:
        assert not variable.default or variable.parse(variable.default) is not ...
        assert variable.allowed
        assert variable.meaning


# --- files


def test_ini_takes_any_case_a_byte_order_mark_and_percent_signs(tmp_path: Path) -> None:
    text = "\ufeff# ours\n[Immich]\nimmich_instance_url = http://h:1/a%20b\nImmich_Api_Key = ab%cd\n"
    (tmp_path / "immich-sync.conf").write_text(text + 'immich_path_map = /a=/b;/c=/d\nPHOTO_DIR = "/my photos"\n')
    settings = load({}, None, tmp_path)
    assert (settings.instance_url, settings.api_key) == ("http://h:1/a%20b", "ab%cd")
    assert settings.path_map == (PathRule("/a", "/b"), PathRule("/c", "/d"))
    assert settings.photo_dir == Path("/my photos")
    assert settings.config_path == tmp_path / "immich-sync.conf"


def test_env_takes_export_quotes_and_comments(tmp_path: Path) -> None:
    config = tmp_path / "prod.env"
    config.write_bytes(
        b"# server\r\n\r\nexport IMMICH_INSTANCE_URL='http://h:1'  # ours\r\n"
        b'IMMICH_API_KEY="a\\"b#c"\nIMMICH_PHOTO_DIR=/my photos # all\n'
        b"LOG_FILE=a#b\nCAPTION_MAX_LEN=\nTZ = UTC\n"
    )
    assert read_config(config).values == {
        "IMMICH_INSTANCE_URL": "http://h:1",
        "IMMICH_API_KEY": 'a"b#c',
        "IMMICH_PHOTO_DIR": "/my photos",
        "LOG_FILE": "a#b",
        "CAPTION_MAX_LEN": "",
        "TZ": "UTC",
    }


def test_json_takes_any_case_numbers_and_booleans(tmp_path: Path) -> None:
    config = tmp_path / "c.json"
    config.write_text(json.dumps({**SERVER, "immich_path_segments": 4, "Immich_Structured_Logs": True, "tz": None}))
    settings = load({}, config, tmp_path)
    assert (settings.path_segments, settings.json_logs, str(settings.time_zone)) == (4, True, "Europe/Berlin")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("settings", "[immich]\nCAPTION_MAX_LEN=7\n"),
        ("settings", "# a comment\nCAPTION_MAX_LEN=7\n"),
        ("settings", '\n{"CAPTION_MAX_LEN": 7}'),
        (".env.local", "CAPTION_MAX_LEN=7"),
        ("c.json", '{"immich": {"caption_max_len": 7}}'),
    ],
)
def test_the_form_of_a_file_follows_from_its_name_or_content(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert _load(tmp_path, {}, Path(name)).caption_max_len == 7


@pytest.mark.parametrize("text", ["", "# nothing\n", "[immich]\n"])
def test_an_empty_file_sets_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "immich-sync.conf").write_text(text)
    assert _load(tmp_path).caption_max_len == 2000


def test_a_missing_default_file_is_silent_and_a_named_one_is_an_error(tmp_path: Path) -> None:
    assert _load(tmp_path).config_path is None
    with pytest.raises(SettingsError, match=r"gone\.conf does not exist"):
        _load(tmp_path, {}, Path("gone.conf"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.conf", b"IMMICH_API_KEY = " + KEY.encode() + b"\n"),
        ("a.conf", b"[other]\nIMMICH_API_KEY = " + KEY.encode() + b"\n"),
        ("a.conf", b"[immich]\n" + KEY.encode() + b"\n"),
        ("a.conf", b"[immich]\nimmich_api_key=" + KEY.encode() + b"\nIMMICH_API_KEY=" + KEY.encode()),
        ("a.conf", b"[immich]\n[immich]\n"),
        ("a.conf", b"[immich]\nTZ=\xff\xfe\n"),
        ("a.conf", b"[immich]\nTZ=\0\n"),
        ("a.conf", b"#" * (1 << 20) + b"##"),
        ("a.env", KEY.encode()),
        ("a.env", b"export IMMICH_API_KEY"),
        ("a.env", b"IMMICH_API_KEY='" + KEY.encode()),
        ("a.env", b'IMMICH_API_KEY="' + KEY.encode() + b'" and more'),
        ("a.json", b'{"IMMICH_API_KEY": "' + KEY.encode()),
        ("a.json", b"[]"),
        ("a.json", b"[" * 200_000),
        ("a.json", b'{"TZ": ["' + KEY.encode() + b'"]}'),
        ("a.json", b""),
    ],
)
def test_a_garbled_file_is_an_error_that_names_it_and_quotes_nothing(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingsError, match=name) as caught:
        _load(tmp_path, {}, Path(name))
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_directory_is_no_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "immich-sync.conf").mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        _load(tmp_path)


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root reads everything")
def test_an_unreadable_default_file_is_an_error(tmp_path: Path) -> None:
    config = tmp_path / "immich-sync.conf"
    config.write_text("[immich]\n")
    config.chmod(0)
    with pytest.raises(SettingsError, match="cannot be read"):
        _load(tmp_path)


def test_a_dangling_default_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "immich-sync.conf").symlink_to("gone")
    with pytest.raises(SettingsError, match="does not exist"):
        _load(tmp_path)


def test_a_misspelt_name_in_a_file_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("IMMICH_PATH_SEGMENT=4\nDB_PASSWORD=x\nUPLOAD_LOCATION=/x\n")
    (note,) = _load(tmp_path, {}, Path(".env")).notes
    assert "IMMICH_PATH_SEGMENT is not a setting" in note
    assert "IMMICH_PATH_SEGMENTS" in note


def test_a_wrong_value_in_a_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"tz": "Mars/Base"}')
    with pytest.raises(SettingsError, match=r"TZ is 'Mars/Base', from the file .*a\.json"):
        _load(tmp_path, {}, Path("a.json"))


@given(st.binary(max_size=200), st.sampled_from(["a.conf", "a.env", "a.json", "a"]))
def test_any_bytes_are_read_or_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    try:
        found = read_config(path)
    except SettingsError:
        return
    assert all(isinstance(value, str) for texts in (found.values, *found.users.values()) for value in texts.values())


@given(st.text(st.characters(blacklist_characters="'\r\n\0", blacklist_categories=["Cs", "Cc", "Zl", "Zp"])))
def test_any_text_in_single_quotes_is_read_as_it_is(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "quoted.env"
    path.write_text(f"A='{text}'\n", encoding="utf-8")
    assert read_config(path).values == {"A": text}


# --- the path map


def test_the_longest_prefix_of_a_map_comes_first() -> None:
    rules = parse_path_map("/data=/a; /data/library/=/b/ ;/mnt/photos=/photos;")
    assert [str(rule) for rule in rules] == ["/data/library=/b", "/mnt/photos=/photos", "/data=/a"]


@pytest.mark.parametrize(
    ("text", "prefix", "target"),
    [
        (r"C:\photos=/photos", r"C:\photos", "/photos"),
        ("/data=D:\\photos\\", "/data", "D:\\photos"),
        (r"/data=\\nas\photos", "/data", r"\\nas\photos"),
        ("/a=b/c=/d=e", "/a=b/c", "/d=e"),
        ("upload=/library", "upload", "/library"),
        ("/=/mnt", "/", "/mnt"),
        ("/data=C:\\", "/data", "C:\\"),
    ],
)
def test_a_pair_may_have_drive_letters_and_equals_signs(text: str, prefix: str, target: str) -> None:
    assert parse_path_map(text) == (PathRule(prefix, target),)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        (r"c:\photos\a.jpg", ("C:", "photos", "a.jpg")),
        ("/photos/back\\slash.jpg", ("photos", "back\\slash.jpg")),
        ("//data///x.jpg", ("data", "x.jpg")),
        (r"\\nas\share\x.jpg", ("nas", "share", "x.jpg")),
        ("", ()),
    ],
)
def test_a_backslash_separates_only_in_windows_paths(path: str, parts: tuple[str, ...]) -> None:
    assert split_path(path) == parts
