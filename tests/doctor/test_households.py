"""`doctor` and several users in one configuration: each is looked at, and whom a finding concerns is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from immich_meta.demo.library import Library
from immich_meta.demo.server import DemoServer
from tests.cli.home import UPLOADS, Home

ANNA, BEN = "k3y-of-anna-nobody-may-see", "k3y-of-ben-nobody-may-see"
BENS = "/data/library/ben"


@pytest.fixture
def family(sound: Home, server: DemoServer) -> Home:
    """Anna, who has the photos of the home, and Ben, who has one of his own."""
    ben = Library(owner_id="a6b1c5d2-0000-4000-8000-00000000000b", partner_ids=(), first_number=100_000)
    photo = sound.photo("ben/IMG_0001.jpg")
    ben.add_photo(f"{BENS}/IMG_0001.jpg", content=photo.read_bytes())
    server.add_key(ANNA, "all")
    server.add_user(ben, BEN)
    del sound.environ["IMMICH_API_KEY"]
    sound.environ |= {
        "IMMICH_API_KEYS": f"anna:{ANNA},ben:{BEN}",
        "IMMICH_PATH_MAP": f"{UPLOADS}={sound.photos};{BENS}={sound.photos}/ben",
    }
    return sound


def found(home: Home, **environ: Any) -> tuple[int, dict[tuple[str, str], dict[str, Any]]]:
    """The exit code, and the findings by user and id."""
    ran = home.run("doctor", "--json", **environ)
    assert ANNA not in ran.said
    assert BEN not in ran.said
    return ran.code, {(each["user"], each["id"]): each for each in json.loads(ran.out)["findings"]}


def test_each_user_is_looked_at_and_the_machine_once(family: Home) -> None:
    code, findings = found(family)
    assert code == 0
    assert "2 users: anna, ben" in findings["", "settings.understood"]["found"]
    for user, paths in (("anna", 9), ("ben", 1)):
        assert findings[user, "key.permissions"]["level"] == "ok"
        assert findings[user, "paths.mapping"]["found"].startswith(f"All {paths} paths")
    assert {ident for user, ident in findings if not user} >= {"folders.writable", "disk.space", "state.directory"}


def test_the_fault_of_one_is_named_as_that_ones(family: Home, server: DemoServer) -> None:
    server.add_key("a-key-that-may-little", "asset.read", "user.read")
    keys = f"ben:{BEN},anna:a-key-that-may-little"
    code, findings = found(family, IMMICH_API_KEYS=keys)
    faults = {key for key, finding in findings.items() if finding["level"] == "fault"}
    assert (code, faults) == (1, {("anna", "key.permissions")})
    assert "\nAPI key (anna)\n  FAULT    " in family.run("doctor", IMMICH_API_KEYS=keys).out


def test_a_revoked_key_of_one_does_not_hide_the_other(family: Home) -> None:
    code, findings = found(family, IMMICH_API_KEYS=f"anna:revoked,ben:{BEN}")
    assert code == 3
    assert findings["anna", "key.wrong"]["level"] == "fault"
    assert findings["ben", "paths.mapping"]["level"] == "ok"


def test_two_keys_of_one_account_are_named(family: Home, server: DemoServer) -> None:
    server.add_key("annas-other-key", "all")
    code, findings = found(family, IMMICH_API_KEYS=f"anna:{ANNA},ben:annas-other-key")
    assert code == 1
    assert "Account Settings > API Keys" in findings["", "key.same_account"]["cure"]


@pytest.mark.parametrize("keys", [f"anna:{ANNA},anna:{BEN}", f"{ANNA},{BEN}", f"anna:{ANNA},ben:{ANNA}"])
def test_a_list_of_users_that_makes_no_sense_is_a_finding_and_tells_no_key(family: Home, keys: str) -> None:
    code, findings = found(family, IMMICH_API_KEYS=keys)
    assert code == 2
    assert ("", "settings.wrong") in findings
    assert ("", "disk.space") in findings
