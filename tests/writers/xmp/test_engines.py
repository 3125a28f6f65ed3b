"""The engines: Exempi when it is there, a clear word when it is not."""

from __future__ import annotations

import ctypes.util
import subprocess
import sys
import threading

import pytest

from immich_meta_writers.addresses import RegionEdit, RegionInfo, StoredRegion, XmpAddress
from immich_meta_writers.errors import SelfCheckError, UnsupportedError
from immich_meta_writers.payloads import xmp
from immich_meta_writers.tags import BY_NAME

SUBJECT, LABEL, DESCRIPTION = (BY_NAME[f"XMP-{name}"].address for name in ("dc:Subject", "xmp:Label", "dc:Description"))


def test_the_engine_that_was_asked_for_is_the_one_that_answers(encoder: xmp.Encoder) -> None:
    assert xmp.encoder(encoder.name).name == encoder.name


def test_without_the_library_auto_falls_back_and_exempi_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    exempi = pytest.importorskip("libxmp.exempi")
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    monkeypatch.setattr(exempi, "EXEMPI", exempi.LazyExempi())
    assert xmp.encoder("auto").name == "builtin"
    with pytest.raises(UnsupportedError, match="libexempi8"):
        xmp.encoder("exempi")


def test_neither_engine_imports_the_library_before_it_is_asked_for() -> None:
    code = "import sys, immich_meta_writers.payloads.xmp as x; x.encoder('builtin'); sys.exit('libxmp' in sys.modules)"
    env = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == 0


def test_exempi_finds_a_value_that_is_not_the_wanted_one(both: tuple[xmp.Encoder, xmp.Encoder]) -> None:
    builtin, exempi = both
    assert isinstance(SUBJECT, XmpAddress)
    assert isinstance(LABEL, XmpAddress)
    assert isinstance(DESCRIPTION, XmpAddress)
    packet = xmp.new_sidecar({SUBJECT: ("a",), LABEL: "b", DESCRIPTION: "c"}, builtin)
    exempi.check(packet, {SUBJECT: ("a",), LABEL: "b", DESCRIPTION: "c"})
    for where, other in ((SUBJECT, ("x",)), (LABEL, "x"), (DESCRIPTION, "x")):
        with pytest.raises(SelfCheckError):
            exempi.check(packet, {where: other})


def test_exempi_finds_regions_that_are_not_in_their_places(
    both: tuple[xmp.Encoder, xmp.Encoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    builtin, exempi = both
    where = BY_NAME["XMP-mwg-rs:RegionInfo"].address
    assert isinstance(where, XmpAddress)
    edit = RegionEdit(added=(StoredRegion("Ada", "Face", 0.5, 0.5, 0.1, 0.1),))
    packet = xmp.new_sidecar({where: edit}, builtin)
    exempi.check(packet, {where: edit})
    other = RegionInfo(None, (StoredRegion("Zoë", "Face", 0.5, 0.5, 0.1, 0.1),))
    monkeypatch.setattr(xmp.XmpDocument, "get", lambda document, address: other)
    with pytest.raises(SelfCheckError, match="Regions"):
        exempi.check(packet, {where: edit})


def test_exempi_is_safe_in_threads(both: tuple[xmp.Encoder, xmp.Encoder]) -> None:
    _, exempi = both
    assert isinstance(SUBJECT, XmpAddress)
    wrong: list[object] = []

    def work(number: int) -> None:
        for turn in range(30):
            wanted = (f"{number}-{turn}", "x")
            found = xmp.parse(xmp.new_sidecar({SUBJECT: wanted}, exempi)).get(SUBJECT)
            if found != wanted:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
