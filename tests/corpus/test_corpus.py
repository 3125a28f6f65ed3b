"""Over all media beside the checkout: nothing is damaged, nothing is refused that is sound, a second run is empty.

Not here: what is known of single files (tests/contract with fixtures made for it). Shows its table with `-s`.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Union

import pytest

from fixtures import expected
from fixtures.exiftool import ExifTool
from fixtures.unpacked import unpacked
from fixtures.values import EVERYTHING
from immich_meta_writers import PhotoMetadata, Plan, PlanOptions, Region, WriterError, WriteTo, plan
from immich_meta_writers.errors import DamagedError, UnsupportedError
from tests.contract.kinds import JPEG, MOVIE
from tests.contract.readers import frames, register_heif, streams
from tests.corpus.conftest import kind_of

ALLOWED = "|".join(
    [re.escape(name) for name in expected.EDITED] + ["XMP-immichmeta:.*", "XMP-mwg-rs:.*", "XMP-xmpNote:.*"]
)
FACES = "immich-test-assets/metadata/faces"
# Sound, with too little room for everything: a motion photo whose trailer counts from the start of the file.
BESIDE = {"samsung-one-ui-6.heic"}
FLIPS = 12
SIMPLE = PhotoMetadata(people=EVERYTHING.people, rating=4, caption=EVERYTHING.caption, gps=EVERYTHING.gps)


@dataclass(frozen=True)
class Outcome:
    """What became of one photo of a format; `verdict` is the judge's, or the kind of the error."""

    format: str
    name: str
    verdict: str
    findings: tuple[str, ...] = ()


def _format(path: Path) -> str:
    kind = kind_of(path)
    assert kind is not None
    return kind.name


def _write(source: Path, folder: Path, options: PlanOptions) -> Path:
    path = folder / source.name
    shutil.copyfile(source, path)
    plan(path, EVERYTHING, options).apply()
    return path


@pytest.fixture(scope="module")
def judged(
    photos: tuple[Path, ...],
    judge: Any,
    judge_module: ModuleType,
    engine: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Outcome, ...]:
    """Every photo with everything written into it, judged."""
    options = PlanOptions(xmp_engine=engine, write_to=WriteTo.EMBED)
    outcomes = []
    for number, source in enumerate(photos):
        folder = tmp_path_factory.mktemp(f"photo{number}")
        try:
            path = _write(source, folder, options)
        except WriterError as error:
            outcomes.append(Outcome(_format(source), source.name, error.kind, (str(error),)))
            continue
        assert plan(path, EVERYTHING, options).changes == (), source
        findings = judge.judge(str(source), str(path), ALLOWED, True)
        shown = tuple(f"{f['severity']}: {f['kind']} {f['detail']}" for f in findings)
        outcomes.append(Outcome(_format(source), source.name, judge_module.verdict(findings), shown))
        path.unlink()
    _show(engine, outcomes)
    return tuple(outcomes)


def _show(engine: str, outcomes: list[Outcome]) -> None:
    print(f"\n{engine}: {len(outcomes)} files")
    for format_, count in Counter(outcome.format for outcome in outcomes).most_common():
        verdicts = Counter(outcome.verdict for outcome in outcomes if outcome.format == format_)
        print(f"  {format_:9} {count:4}  " + ", ".join(f"{number} {name}" for name, number in verdicts.most_common()))
    for outcome in outcomes:
        serious = [finding for finding in outcome.findings if not finding.startswith(("note", "minor"))]
        if serious:
            print(f"  {outcome.name}: {'; '.join(serious)[:300]}")


def test_the_judge_finds_no_damage(judged: tuple[Outcome, ...]) -> None:
    assert [outcome for outcome in judged if outcome.verdict == "damaged"] == []


def test_only_broken_files_are_refused(
    judged: tuple[Outcome, ...], photos: tuple[Path, ...], exiftool: ExifTool
) -> None:
    refused = {
        outcome.name for outcome in judged if outcome.verdict not in ("clean", "gained", "minor", "skip", "damaged")
    }
    for path in photos:
        if path.name in refused - BESIDE:
            assert exiftool.warnings(path), f"{path.name} was refused, and no reader complains of it"


def test_a_sound_file_without_room_takes_the_little_and_a_sidecar_for_the_rest(
    photos: tuple[Path, ...], engine: str, tmp_path: Path
) -> None:
    for source in photos:
        if source.name not in BESIDE:
            continue
        path = tmp_path / source.name
        shutil.copyfile(source, path)
        plan(path, EVERYTHING, PlanOptions(xmp_engine=engine)).apply()
        assert path.read_bytes() == source.read_bytes()
        Path(f"{path}.xmp").unlink()
        plan(path, SIMPLE, PlanOptions(xmp_engine=engine)).apply()
        assert os.listdir(tmp_path) == [source.name]


def test_every_value_reads_back(photos: tuple[Path, ...], engine: str, tmp_path: Path, exiftool: ExifTool) -> None:
    options = PlanOptions(xmp_engine=engine, write_to=WriteTo.EMBED)
    for source in photos:
        try:
            path = _write(source, tmp_path, options)
        except (DamagedError, UnsupportedError):  # who may refuse: see above
            continue
        foreign = {kept.tag for kept in plan(path, EVERYTHING, options).kept}
        groups = ("IFD0", "ExifIFD", "GPS", "IPTC", "IPTC2", "XMP", "QuickTime", "Keys", "Track1")
        found = exiftool.read(unpacked(path), *(f"-{group}:all" for group in groups))
        kind = kind_of(source)
        assert kind is not None
        for name, value in kind.rows.items():
            if name not in foreign:
                wanted = pytest.approx(value, abs=1e-6) if isinstance(value, float) else value
                assert found.get(name, (None,))[0] == wanted, (source, name)
        path.unlink()


def test_every_picture_is_the_same(photos: tuple[Path, ...], tmp_path: Path) -> None:
    """The formats whose places move: every frame as it is decoded, every stream as it is copied."""
    register_heif()
    options = PlanOptions(xmp_engine="builtin", write_to=WriteTo.EMBED)
    for source in photos:
        kind = kind_of(source)
        if kind is JPEG:  # the judge compares its scans
            continue
        try:
            path = _write(source, tmp_path, options)
        except (DamagedError, UnsupportedError):  # who may refuse: see above
            continue
        show = streams if kind is MOVIE else frames
        assert show(path) == show(source), source
        path.unlink()


def test_the_rotated_samples_show_the_same_people_in_the_same_places(shared: Path, exiftool: ExifTool) -> None:
    """Their own regions are recognised as the faces that Immich shows, in either orientation."""
    upright, turned = (shared / "media" / FACES / f"portrait{end}.jpg" for end in ("", "-orientation-6"))
    shown = _shown(exiftool, upright, orientation=1)
    assert shown == {name: pytest.approx(area, abs=1e-5) for name, area in _shown(exiftool, turned, 6).items()}
    wanted = PhotoMetadata(regions=tuple(Region(name, *area) for name, area in shown.items()))
    assert plan(upright, wanted).is_empty
    assert plan(turned, wanted).is_empty


def test_new_faces_on_the_rotated_samples_stand_where_the_old_ones_do(
    shared: Path, tmp_path: Path, engine: str, exiftool: ExifTool
) -> None:
    for end, orientation in (("", 1), ("-orientation-6", 6)):
        path = tmp_path / f"portrait{end}.jpg"
        shutil.copyfile(shared / "media" / FACES / path.name, path)
        shown = _shown(exiftool, path, orientation)
        wanted = tuple(Region(f"{name} again", *area) for name, area in shown.items())
        plan(path, PhotoMetadata(regions=wanted), PlanOptions(xmp_engine=engine)).apply()
        after = _shown(exiftool, path, orientation)
        for name, area in shown.items():
            assert after[name] == area
            assert after[f"{name} again"] == pytest.approx(area, abs=1e-5)


def _shown(exiftool: ExifTool, path: Path, orientation: int) -> Mapping[str, tuple[float, ...]]:
    """Name to displayed area. Only orientations 1 and 6: a quarter turn clockwise shows (x, y) at (1 - y, x)."""
    info = dict(exiftool.read(path, "-XMP-mwg-rs:RegionInfo")["XMP-mwg-rs:RegionInfo"][0])
    areas = {}
    for region in map(dict, info["RegionList"]):
        x, y, w, h = (float(dict(region["Area"])[side]) for side in "XYWH")
        areas[region["Name"]] = (x, y, w, h) if orientation == 1 else (1 - y, x, h, w)
    return areas


def _attempt(path: Path, options: PlanOptions) -> Union[Plan, WriterError]:
    """The plan, or the error that refuses it; any other error is a failure."""
    try:
        return plan(path, SIMPLE, options)
    except WriterError as error:
        return error


@pytest.mark.slow
def test_truncated_at_every_percent(photos: tuple[Path, ...], tmp_path: Path) -> None:
    options = PlanOptions(xmp_engine="builtin", write_to=WriteTo.EMBED)
    for source in photos:
        path = tmp_path / source.name
        shutil.copyfile(source, path)
        size = path.stat().st_size
        for percent in range(99, -1, -1):
            os.truncate(path, size * percent // 100)
            status = path.stat()
            outcome = _attempt(path, options)
            if isinstance(outcome, WriterError):
                assert outcome.path == str(path)
            else:
                assert not outcome.is_empty
            after = path.stat()
            assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
                status.st_size,
                status.st_mtime_ns,
                status.st_ino,
            )
        path.unlink()


@pytest.mark.slow
def test_random_bytes_flipped(photos: tuple[Path, ...], tmp_path: Path) -> None:
    """In the headers, where everything that is parsed lies: a named error, or a result that settles."""
    options = PlanOptions(xmp_engine="builtin", write_to=WriteTo.EMBED)
    dice = random.Random("flips")
    for source in photos:
        data = source.read_bytes()
        head = min(len(data), 100_000)
        path = tmp_path / source.name
        for _ in range(FLIPS):
            damaged = bytearray(data)
            for _ in range(dice.choice((1, 2, 10, 100))):
                damaged[dice.randrange(head)] = dice.randrange(256)
            path.write_bytes(damaged)
            outcome = _attempt(path, options)
            assert path.read_bytes() == damaged
            if not isinstance(outcome, WriterError):
                outcome.apply()
                assert plan(path, SIMPLE, options).is_empty
        path.unlink()
