"""What the folder says as a whole: visits, barrels, and the exports made from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.batch.setting import Setting, join_sites
from pipeline.batch.signing import Words, apply_words, read_words
from pipeline.products import SceneResult, VisitsDocument, VolumeDocument
from pipeline.run import measure_season, visit_places
from pipeline.store import (
    WORK,
    Artefact,
    Store,
    format_visits,
    from_json,
    install,
    install_bytes,
    is_intact,
    to_json,
    write_geopackage,
)
from pipeline.visits import join_voyages, tighten_visits
from pipeline.volume import estimate_volume

FILES = ("plimsoll.gpkg", "visits.csv", "visits.json", "volume.json")
_KEY = "season"
_EXPORTED = "exported"
"""Setting: by path of an export, the key of the season that it was made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonFiles:
    """The season's documents as they were written."""

    folder: Path
    visits: VisitsDocument
    volume: VolumeDocument
    stale: tuple[str, ...] = ()
    """Exports in the folder that were made of an earlier season: paths relative to it."""


def read_results(store: Store) -> tuple[SceneResult, ...]:
    """Every scene's result, by scene_id."""
    return tuple(from_json(SceneResult, row.result) for row in store.scenes() if row.result is not None)


def season_key(store: Store, setting: Setting, version: str) -> str:
    """What the season's files depend on, as one hash."""
    digest = hashlib.sha256(f"{version} {setting.config.sha256()}\n".encode())
    for site in setting.sites:
        digest.update(to_json(site).encode())
    for ship in setting.fleet:
        digest.update(to_json(ship).encode())
    for row in store.scenes():
        digest.update(row.scene_id.encode() + hashlib.sha256(row.result or b"").digest())
    for word in store.signed():
        digest.update(to_json(word).encode())
    return digest.hexdigest()


def read_season(store: Store) -> SeasonFiles | None:
    """The season as it was last written; None where there is none, or a file is not as the store knows it."""
    files = store.artefacts(None)
    known = {file.path for file in files}
    if not set(FILES) <= known or not all(is_intact(store.folder, f) for f in files if f.path in FILES):
        return None
    return SeasonFiles(
        folder=store.folder,
        visits=from_json(VisitsDocument, (store.folder / "visits.json").read_bytes()),
        volume=from_json(VolumeDocument, (store.folder / "volume.json").read_bytes()),
        stale=stale_exports(store),
    )


def stale_exports(store: Store) -> tuple[str, ...]:
    """Exports that lie in the folder and were made of an earlier season."""
    settings = store.settings()
    made: dict[str, str] = json.loads(settings.get(_EXPORTED, "{}"))
    return tuple(
        path
        for path, key in sorted(made.items())
        if key != settings.get(_KEY) and (store.folder / path).exists()
    )


def commit_exports(store: Store, files: Sequence[Artefact]) -> None:
    """Make exports known to the store, and of which season they are."""
    settings = store.settings()
    made: dict[str, str] = json.loads(settings.get(_EXPORTED, "{}"))
    made |= {file.path: settings.get(_KEY, "") for file in files}
    kept = {path: key for path, key in sorted(made.items()) if (store.folder / path).exists()}
    store.commit_season(files, {_EXPORTED: json.dumps(kept)})


def measure_sites(
    results: Sequence[SceneResult], words: Words, setting: Setting
) -> tuple[VisitsDocument, VolumeDocument]:
    """Visits and barrels at the terminal, and the calls at further sites where a visit may go on."""
    fleet, config = setting.fleet, setting.config
    visits, volume = measure_season(results, setting.site, fleet, config, signed=words.identities)
    elsewhere = [
        replace(visit, visit_id=f"{site.id}-{visit.visit_id}")
        for site in setting.beyond
        for visit in measure_season(results, site, fleet, config, signed=words.identities)[0].visits
    ]
    voyages = join_voyages(visits.visits, elsewhere, results, fleet, config=config.visits)
    tightened = tighten_visits(visits.visits, elsewhere, voyages, results)
    if tightened != visits.visits:
        visits = replace(visits, visits=tightened)
        here = [r for r in results if r.site == setting.site.id]
        volume = estimate_volume(visits, here, fleet, config=config)
    visits = replace(
        visits,
        signed=words.identities,
        readings=words.readings,
        flags=(*visits.flags, *words.flags),
        elsewhere=tuple(elsewhere),
        voyages=voyages,
    )
    return visits, volume


def write_season(store: Store, setting: Setting, version: str) -> SeasonFiles:
    """Visits and barrels over all that the folder holds; nothing is done where they are up to date."""
    key = season_key(store, setting, version)
    if store.settings().get(_KEY) == key and (found := read_season(store)) is not None:
        return found
    results = read_results(store)
    words = read_words(store, results)
    results = apply_words(results, words, setting)
    visits, volume = measure_sites(results, words, setting)
    texts = {"visits.json": to_json(visits), "volume.json": to_json(volume)}
    visits = from_json(VisitsDocument, texts["visits.json"])
    volume = from_json(VolumeDocument, texts["volume.json"])
    site = join_sites(setting.sites)
    places = visit_places(visits, results, site)
    texts["visits.csv"] = format_visits(visits, volume, places)
    files = [install_bytes(store.folder, text.encode(), name) for name, text in sorted(texts.items())]
    part = store.folder / WORK / "plimsoll.gpkg"
    part.parent.mkdir(exist_ok=True)
    part.unlink(missing_ok=True)
    write_geopackage(part, results, site, (visits, volume), places)
    files.append(install(store.folder, part, "plimsoll.gpkg"))
    store.commit_season(files, {_KEY: key})
    return SeasonFiles(folder=store.folder, visits=visits, volume=volume, stale=stale_exports(store))
