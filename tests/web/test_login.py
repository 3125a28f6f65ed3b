"""Who is let in: with the password, or with a token that opens once; and who is not."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from immich_meta.web.security.attempts import ALTOGETHER, PER_ADDRESS, WINDOW
from immich_meta.web.security.left import LeftVisits
from immich_meta.web.security.secret_key import kept_key
from tests.cli.home import Home
from tests.web.visitor import PASSWORD, Site, Visitor


def test_the_right_password_opens_the_page_that_was_wanted(site: Site) -> None:
    visitor = site.visitor(logged_in=False)
    answer = visitor.get("/settings")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login?next=/settings")
    data = {"secret": PASSWORD, "csrf": visitor.csrf("/login"), "next": "/settings"}
    opened = visitor.client.post("/login", data=data)
    assert (opened.status_code, opened.headers["Location"]) == (302, "/settings")
    assert visitor.get("/settings").status_code == 200


def test_a_wrong_password_opens_nothing_and_says_so(site: Site) -> None:
    visitor = site.visitor(logged_in=False)
    answer = visitor.log_in("wrong")
    assert answer.status_code == 403
    assert "That is not the password." in answer.text
    assert visitor.get("/").status_code == 302


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "/\\evil.example", "https://evil.example", "/%0d%0aX: y", "javascript:x", "/a\r\nX: y"]
)
def test_a_login_leads_to_this_site_only(site: Site, wanted: str) -> None:
    visitor = site.visitor(logged_in=False)
    data = {"secret": PASSWORD, "csrf": visitor.csrf("/login"), "next": wanted}
    assert visitor.client.post("/login", data=data).headers["Location"] == "/"


def test_a_token_opens_once_and_then_there_is_another_one(home: Home) -> None:
    site = Site(home, password="")
    first = site.tokens[0]
    visitor = Visitor(site.app.test_client())
    assert visitor.client.head(f"/login?token={first}").status_code == 200
    assert visitor.get(f"/login?token={first}").headers["Location"] == "/"
    assert visitor.get("/").status_code == 200
    other = Visitor(site.app.test_client())
    assert other.get(f"/login?token={first}").status_code == 403
    assert other.get("/").status_code == 302
    assert len(site.tokens) == 2
    assert other.get(f"/login?token={site.tokens[1]}").status_code == 302


@pytest.mark.parametrize("offered", ["", "wrong", quote(PASSWORD)])
def test_a_password_in_an_address_opens_nothing(site: Site, offered: str) -> None:
    assert site.tokens == []
    visitor = site.visitor(logged_in=False)
    assert visitor.get(f"/login?token={offered}").status_code == 200
    assert visitor.get("/").status_code == 302
    assert visitor.log_in("").status_code == 403


@pytest.mark.parametrize("password", ["", PASSWORD])
def test_pictures_on_other_sites_cannot_lock_anybody_out(home: Home, password: str) -> None:
    site = Site(home, password=password)
    elsewhere = site.visitor(logged_in=False)
    for _ in range(ALTOGETHER + 1):
        elsewhere.get("/login?token=wrong")
    visitor = site.visitor(logged_in=False)
    assert visitor.log_in(password or site.tokens[-1]).status_code == 302


def test_whoever_logs_out_is_out(site: Site) -> None:
    visitor = site.visitor()
    assert visitor.post("/logout").headers["Location"] == "/login"
    assert visitor.get("/").status_code == 302


def test_a_copy_of_a_cookie_opens_nothing_after_the_logout_also_on_another_page(site: Site, home: Home) -> None:
    visitor, elsewhere = site.visitor(), site.visitor()
    cookie = visitor.client.get_cookie("immich_meta_session")
    assert cookie is not None
    visitor.post("/logout")
    for each in (site, Site(home)):
        thief = Visitor(each.app.test_client())
        thief.client.set_cookie("immich_meta_session", cookie.value)
        assert thief.get("/settings").status_code == 302
    assert elsewhere.get("/settings").status_code == 200


def test_a_logout_holds_where_nothing_can_be_kept_and_is_forgotten_with_its_cookie(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    nowhere = LeftVisits(tmp_path / "file" / "left", 10.0, time.time)
    nowhere.add("a")
    assert "a" in nowhere
    assert "b" not in nowhere
    left = LeftVisits(tmp_path / "left", 10.0, time.time)
    left.add("a")
    (old,) = (tmp_path / "left").iterdir()
    os.utime(old, (1.0, 1.0))
    left.add("b")
    assert len(list((tmp_path / "left").iterdir())) == 1
    assert not old.exists()


def test_a_cookie_of_another_password_opens_nothing(site: Site, home: Home) -> None:
    cookie = site.visitor().client.get_cookie("immich_meta_session")
    assert cookie is not None
    changed = Site(home, password="another password")
    other = Visitor(changed.app.test_client())
    other.client.set_cookie("immich_meta_session", cookie.value)
    assert other.get("/").status_code == 302


def test_a_login_survives_a_restart(site: Site, home: Home) -> None:
    cookie = site.visitor().client.get_cookie("immich_meta_session")
    assert cookie is not None
    again = Visitor(Site(home).app.test_client())
    again.client.set_cookie("immich_meta_session", cookie.value)
    assert again.get("/").status_code == 200


def test_the_cookie_is_for_this_site_alone_and_not_for_scripts(site: Site) -> None:
    visitor = site.visitor(logged_in=False)
    token = visitor.csrf("/login")
    said = visitor.client.post("/login", data={"secret": PASSWORD, "csrf": token}).headers["Set-Cookie"]
    assert "HttpOnly" in said
    assert "SameSite=Strict" in said
    assert "Secure" not in said
    other = site.visitor(logged_in=False)
    data = {"secret": PASSWORD, "csrf": other.csrf("/login")}
    secure = other.client.post("/login", data=data, headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in secure.headers["Set-Cookie"]


def test_five_wrong_passwords_from_one_address_have_to_wait(site: Site) -> None:
    visitor = site.visitor(logged_in=False)
    for _ in range(PER_ADDRESS):
        assert visitor.log_in("wrong", "192.0.2.1").status_code == 403
    answer = visitor.log_in(PASSWORD, "192.0.2.1")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= WINDOW + 1
    assert visitor.log_in(PASSWORD, "192.0.2.2").status_code == 302
    site.now += WINDOW + 1
    assert site.visitor(logged_in=False).log_in(PASSWORD, "192.0.2.1").status_code == 302


def test_wrong_passwords_from_many_addresses_have_to_wait_too(site: Site) -> None:
    visitor = site.visitor(logged_in=False)
    for number in range(ALTOGETHER):
        assert visitor.log_in("wrong", f"198.51.100.{number}").status_code == 403
    assert visitor.log_in("wrong", "203.0.113.7").status_code == 429


def test_who_was_let_in_before_does_not_wait_for_what_strangers_try(site: Site, home: Home) -> None:
    known, stranger = site.visitor(), site.visitor(logged_in=False)
    known.post("/logout")
    mark = known.client.get_cookie("immich_meta_known")
    assert mark is not None
    for number in range(ALTOGETHER):  # behind a proxy, and from everywhere
        stranger.log_in("wrong", "127.0.0.1" if number < PER_ADDRESS else f"198.51.100.{number}")
    stranger.client.set_cookie("immich_meta_known", f"x{mark.value}")
    assert stranger.log_in(PASSWORD).status_code == 429
    assert known.log_in(PASSWORD).status_code == 302
    known.post("/logout")
    # By itself the mark opens nothing, gives no more tries than an address has, and is gone with the password.
    assert known.get("/settings").status_code == 302
    for _ in range(PER_ADDRESS):
        assert known.log_in("wrong").status_code == 403
    assert known.log_in(PASSWORD).status_code == 429
    assert not Site(home, password="another password").parts.door.is_mark(mark.value)


def test_one_network_of_ipv6_is_one_address(site: Site) -> None:
    visitor = site.visitor(logged_in=False)
    for number in range(PER_ADDRESS):
        visitor.log_in("wrong", f"2001:db8::{number + 1:x}")
    assert visitor.log_in("wrong", "2001:db8::ffff").status_code == 429
    assert visitor.log_in("wrong", "2001:db8:1::1").status_code == 403


def test_a_right_password_makes_good_for_wrong_ones(site: Site) -> None:
    for _ in range(3):
        visitor = site.visitor(logged_in=False)
        for _ in range(PER_ADDRESS - 1):
            visitor.log_in("wrong", "192.0.2.9")
        assert visitor.log_in(PASSWORD, "192.0.2.9").status_code == 302


@pytest.mark.skipif(os.name != "posix", reason="rights as POSIX has them")
def test_the_key_of_cookies_is_made_once_and_is_for_its_user_alone(tmp_path: Path) -> None:
    key = kept_key(tmp_path / "state")
    assert len(key) == 32
    assert kept_key(tmp_path / "state") == key
    assert stat.S_IMODE((tmp_path / "state" / "web-secret-key").stat().st_mode) == 0o600


def test_where_no_key_can_be_kept_there_is_one_for_this_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert len(kept_key(tmp_path / "file")) == 32
