"""The form of a sync: every option that the command has, and nothing that it has not."""

from __future__ import annotations

import re

import click
import pytest

from immich_meta.cli.sync import command as sync
from immich_meta.web.runs.asked import BadFormError, arguments, chosen, fields, parsed
from tests.cli.home import KEY, Home
from tests.web.visitor import Site

# What the page has its own place for, and what only makes sense at a terminal.
ELSEWHERE = {"everything", "report", "config", "yes"}


def offered() -> set[str]:
    return {
        option.name or ""
        for option in sync.params
        if option.name not in ELSEWHERE and not isinstance(option.type, (click.Path, click.File))
    }


def test_the_form_has_every_option_of_the_command_and_no_other(site: Site) -> None:
    page = site.visitor().get("/sync").text
    names = set(re.findall(r'<(?:input|select)[^>]* name="([^"]+)"', page))
    # There is somebody to choose in a household only.
    assert names - {"csrf"} == offered() - {"user"}


def test_in_a_household_somebody_can_be_chosen(home: Home) -> None:
    home.environ["IMMICH_API_KEYS"] = f"anna:{KEY},ben:{KEY}2"
    del home.environ["IMMICH_API_KEY"]
    site = Site(home)
    visitor = site.visitor()
    page = visitor.get("/sync").text
    assert re.findall(r'name="user" value="([a-z]+)"', page) == ["anna", "ben"]
    said = arguments({"people": ["1"], "user": ["anna", "ben"]})
    assert said == ("--people", "--user=anna", "--user=ben")
    folder = site.parts.folders.create({"arguments": list(said)})
    again = visitor.get(f"/sync?again={folder.id}").text
    assert re.findall(r'name="user" value="([a-z]+)" checked', again) == ["anna", "ben"]
    assert f"{KEY}2" not in visitor.get("/settings").text


def test_a_dry_run_and_the_usual_modules_are_chosen_at_first(site: Site) -> None:
    page = site.visitor().get("/sync").text
    checked = set(re.findall(r'name="([a-z_]+)" value="1"[^>]* checked', page))
    assert checked == {"people", "gps", "caption", "time", "rating", "dry_run"}


def test_a_filled_form_is_the_command_line_that_it_means() -> None:
    form = {name: ["1"] for name in ("people", "tags", "dry_run")}
    form |= {"write_to": ["sidecar"], "jobs": [" 2 "], "shard": ["0/4"]}
    said = arguments(form)
    assert set(said) == {"--people", "--tags", "--dry-run", "--write-to=sidecar", "--jobs=2", "--shard=0/4"}
    modules, flags = parsed(said)
    assert {module.value for module in modules} == {"people", "tags"}
    assert (flags["jobs"], flags["write_to"], str(flags["shard"])) == (2, "sidecar", "0/4")
    assert chosen(said) == {name: values[0].strip() for name, values in form.items()}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("report", "/etc/passwd"),
        ("config", "x"),
        ("yes", "1"),
        ("everything", "1"),
        ("nonsense", "1"),
        ("__class__", "1"),
        ("write_to", "elsewhere"),
        ("jobs", "65"),
        ("jobs", "-1"),
        ("jobs", "1; rm -rf /"),
        ("shard", "8/8"),
        ("shard", "--report=/tmp/x"),
        ("shard", "0/1\n--report=x"),
        ("shard", "x" * 101),
        ("people", "yes"),
        ("file_timeout", "0"),
        ("log_level", "TRACE"),
    ],
)
def test_what_the_form_does_not_have_is_refused(site: Site, name: str, value: str) -> None:
    answer = site.visitor().post("/sync", {"gps": "1", "dry_run": "1", name: value})
    assert answer.status_code == 400
    assert site.parts.folders.all() == ()


def test_an_option_that_is_said_twice_is_refused() -> None:
    with pytest.raises(BadFormError):
        arguments({"people": ["1"], "jobs": ["1", "2"]})


def test_what_was_filled_in_is_still_there_beside_the_mistake(site: Site) -> None:
    page = site.visitor().post("/sync", {"albums": "1", "dry_run": "1", "jobs": "99", "mtime": "keep"}).text
    assert re.search(r'name="jobs" value="99"[^>]* aria-invalid="true"', page)
    assert re.search(r'name="albums" value="1"[^>]* checked', page)
    assert '<option value="keep" selected>' in page


def test_a_form_without_modules_says_what_is_missing(site: Site) -> None:
    answer = site.visitor().post("/sync", {"dry_run": "1"})
    assert answer.status_code == 400
    assert "Choose at least one thing to write." in answer.text


def test_a_form_is_filled_in_as_an_earlier_run_was_asked_for(site: Site) -> None:
    said = ["--albums", "--mtime=keep"]
    folder = site.parts.folders.create({"arguments": said})
    page = site.visitor().get(f"/sync?again={folder.id}").text
    assert re.findall(r'name="([a-z_]+)" value="1"[^>]* checked', page) == ["albums"]
    assert '<option value="keep" selected>' in page


def test_every_field_says_what_it_is_for(site: Site) -> None:
    for each in fields():
        assert each.help, each.name
