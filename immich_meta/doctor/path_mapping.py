"""Do the server's paths lead to files here? Tried on real assets, with the IMMICH_PATH_MAP line that makes them.

Not here: finding a file (sync/paths.py), and which assets are tried (sample.py).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from immich_meta.api.models import Asset
from immich_meta.doctor.finding import Finding, Level, good
from immich_meta.doctor.sample import spread
from immich_meta.logs import one_line
from immich_meta.path_map import PathRule, split_path
from immich_meta.settings import Settings
from immich_meta.sync.identity import ReadAssetId
from immich_meta.sync.path_hints import HINT_ABOVE, SHOWN_EXAMPLES
from immich_meta.sync.path_inference import name_forms
from immich_meta.sync.path_outcomes import How, NotFound, Refusal, Refused, Resolution, Resolved
from immich_meta.sync.paths import PathMapper

# A search may read whole files, to compare checksums.
_MOST_SEARCHED = 20


@dataclass(frozen=True)
class Trial:
    """What became of each asset's path. `suggested`: rules that spare a search, or lead to files which the settings do
    not find; those files are `elsewhere`."""

    tried: tuple[tuple[Asset, Resolution], ...] = ()
    suggested: tuple[PathRule, ...] = ()
    elsewhere: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """All files that were found."""
        return (*(found.path for _, found in self.tried if isinstance(found, Resolved)), *self.elsewhere)

    @property
    def lost(self) -> tuple[tuple[Asset, Resolution], ...]:
        return tuple(each for each in self.tried if not isinstance(each[1], Resolved))


def try_paths(assets: Iterable[Asset], settings: Settings, read_asset_id: ReadAssetId) -> Trial:
    """Resolve a sample as a run would. What is not found is looked for without the map, by size, mark or checksum."""
    photo_dir = str(settings.photo_dir)
    mapper = PathMapper(settings.path_map, photo_dir, settings.path_segments, read_asset_id)
    resolved = ((asset, mapper.resolve(asset)) for asset in spread(assets))
    tried = tuple((asset, found) for asset, found in resolved if not _is_derived(found))
    searched = [asset for asset, found in tried if not isinstance(found, Resolved)][:_MOST_SEARCHED]
    found_by_trying = [
        _rule(asset.original_path, found.path, photo_dir)
        for asset, found in tried
        if isinstance(found, Resolved) and found.how is not How.MAP
    ]
    roots = _with_parents(dict.fromkeys((photo_dir, *(rule.target for rule in settings.path_map))))
    elsewhere = tuple(_searched(searched, roots, settings.path_segments, read_asset_id))
    rules = Counter([*found_by_trying, *(rule for rule, _ in elsewhere)])
    return Trial(tried, tuple(rule for rule, _ in rules.most_common()), tuple(path for _, path in elsewhere))


def _is_derived(found: Resolution) -> bool:
    return isinstance(found, Refused) and found.kind is Refusal.DERIVED


def _with_parents(roots: Iterable[str]) -> Iterator[str]:
    """The directories, and then those above them: a target is often one level too deep, or beside the right one."""
    known = list(roots)
    yield from known
    for root in known:
        above = os.path.dirname(root)
        if above not in known and above != os.path.dirname(above):
            yield above


def _searched(
    assets: Iterable[Asset], roots: Iterable[str], segments: int, read_asset_id: ReadAssetId
) -> Iterator[tuple[PathRule, str]]:
    """For each asset that is found in one of the directories, the rule that leads there, and its file."""
    left = list(assets)
    for root in roots:
        if not left:
            return
        if not os.path.isdir(root):
            continue
        mapper = PathMapper((), root, segments, read_asset_id)
        found = [(asset, mapper.resolve(asset)) for asset in left]
        for asset, each in found:
            if isinstance(each, Resolved):
                yield _rule(asset.original_path, each.path, root), each.path
        left = [asset for asset, each in found if not isinstance(each, Resolved)]


def _rule(original: str, local: str, root: str) -> PathRule:
    """The pair of directories above the folders that both paths end with; the local one is not above `root`."""
    theirs, here = split_path(original)[:-1], os.path.dirname(local)
    kept = len(theirs)
    while kept and here != root and set(name_forms(os.path.basename(here))) & set(name_forms(theirs[kept - 1])):
        here, kept = os.path.dirname(here), kept - 1
    start = "/" if original.startswith("/") else ""
    return PathRule(start + "/".join(theirs[:kept]) or "/", here)


def paths_lead_to_files(trial: Trial, settings: Settings) -> Iterator[Finding]:
    """A fault when most files are not found, a warning when some are not, a note when they had to be searched for."""
    if not trial.tried:
        return
    total, lost = len(trial.tried), len(trial.lost)
    if not lost:
        line = _map_line(settings, trial)
        found = f"All {total} paths tried lead to their files"
        if not line:
            yield good("paths.mapping", found, *_examples(trial))
            return
        yield Finding(
            "paths.mapping",
            Level.NOTE,
            f"{found}, some by searching",
            "Each run searches for them again, and takes only those that are proved to be the server's.",
            "To be quick and sure, set this:",
            line,
            _examples(trial),
        )
        return
    yield Finding(
        "paths.mapping",
        Level.FAULT if lost > total * HINT_ABOVE else Level.WARNING,
        f"Of {total} paths tried, {lost} do not lead to their files",
        "What is not found is not written. Immich's paths are those inside its own container.",
        *_cure(trial, settings),
        _examples(trial),
    )


def _cure(trial: Trial, settings: Settings) -> tuple[str, str]:
    """In words, and the line to paste; empty when the files are nowhere."""
    line = _map_line(settings, trial)
    if line:
        return "The files are elsewhere. Set this:", line
    folder = next((_above(asset.original_path) for asset, _ in trial.lost), "/data/library")
    if len(trial.lost) < len(trial.tried):
        return (
            "See below which: were they moved or removed? Then let Immich scan its library. Are they in a folder of "
            f"their own? Then add it, e.g. IMMICH_PATH_MAP={folder}=/mnt/photos",
            "",
        )
    words = (
        "See where the server's path and the tried one part, and give the pair: the server's folder = the one that "
        f"holds these photos here, e.g. IMMICH_PATH_MAP={folder}=/mnt/photos. In a container: is that folder mounted?"
    )
    return words, ""


def _above(original: str) -> str:
    """The first two directories of a server's path: about what is mounted into its container."""
    return one_line("/" + "/".join(split_path(original)[:-1][:2]))


def _map_line(settings: Settings, trial: Trial) -> str:
    """The line to paste: rules that lead somewhere stay, and the new ones replace those of the same directory."""
    if not trial.suggested:
        return ""
    rules = {rule.parts: rule for rule in settings.path_map if _is_used(rule, trial)}
    for rule in trial.suggested:
        rules.setdefault(rule.parts, rule)
    return one_line(f"IMMICH_PATH_MAP={';'.join(map(str, rules.values()))}")


def _is_used(rule: PathRule, trial: Trial) -> bool:
    fits = (found for asset, found in trial.tried if split_path(asset.original_path)[: len(rule.parts)] == rule.parts)
    return any(isinstance(found, Resolved) for found in fits)


def _examples(trial: Trial) -> tuple[str, ...]:
    """Three paths, those that were not found first, each with what became of it."""
    shown = (*trial.lost, *(each for each in trial.tried if isinstance(each[1], Resolved)))[:SHOWN_EXAMPLES]
    return tuple(f"{one_line(asset.original_path)} -> {one_line(_outcome(found))}" for asset, found in shown)


def _outcome(found: Resolution) -> str:
    if isinstance(found, Resolved):
        return f"{found.path} (found)"
    if isinstance(found, NotFound):
        return f"{found.tried[0] if found.tried else 'nowhere'} (not found)"
    if isinstance(found, Refused):
        return f"not followed: {found.reason}"
    where = getattr(found, "path", "") or ", ".join(getattr(found, "candidates", ()))
    return f"{where} (not proved to be the same: {found.reason})"


def files_are_the_assets(trial: Trial, read_asset_id: ReadAssetId) -> Iterator[Finding]:
    """What the map leads to is taken on trust: does it look like the server's files?"""
    mapped = [(asset, found) for asset, found in trial.tried if isinstance(found, Resolved) and found.how is How.MAP]
    strange = [(asset, found) for asset, found in mapped if not _looks_right(asset, found, read_asset_id)]
    if len(strange) <= len(mapped) * HINT_ABOVE:
        return
    yield Finding(
        "paths.other_files",
        Level.WARNING,
        f"Of {len(mapped)} files that IMMICH_PATH_MAP leads to, {len(strange)} have not the size that Immich says",
        "They may be other files of the same names: an older copy, or another user's library.",
        "Compare some with what Immich shows; correct IMMICH_PATH_MAP, or let Immich read the files again.",
        details=tuple(
            f"{one_line(found.path)}: {found.size} bytes, Immich says {asset.exif.file_size}"
            for asset, found in strange[:SHOWN_EXAMPLES]
        ),
    )


def _looks_right(asset: Asset, found: Resolved, read_asset_id: ReadAssetId) -> bool:
    """Files that were written before have another size, and the asset's mark in them."""
    return asset.exif.file_size in (None, found.size) or read_asset_id(found.path) == asset.id
