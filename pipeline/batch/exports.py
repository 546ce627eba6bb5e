"""What leaves a folder for other people: a KMZ of the season, a printable sheet a visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.batch.describe import code_version
from pipeline.batch.folder import read_pictures, setting_of, signed_results
from pipeline.batch.season import SeasonFiles, commit_exports, write_season
from pipeline.batch.setting import join_sites
from pipeline.errors import UsageError
from pipeline.products import SceneResult
from pipeline.render.evidence import Season, render_sheet
from pipeline.run import visit_places
from pipeline.store import WORK, Store, install, install_bytes, remove_work
from pipeline.store.kmz import Overlay, Pictures, cut_overlay, write_kmz

KMZ = "plimsoll.kmz"
SHEETS = "sheets"


def export_season(folder: Path, visit_ids: Sequence[str] = ()) -> list[Path]:
    """Write plimsoll.kmz and sheets/VISIT.pdf, of all visits or of those named; the paths to them.

    Raises
    ------
    UsageError
        Nothing was run into this folder, or it has no such visit.
    """
    with Store.claim(folder) as store:
        setting = setting_of(store)
        try:
            season = write_season(store, setting, code_version())
            wanted = _wanted(season, visit_ids)
            results = signed_results(store, setting)
            pictures = read_pictures(store)
            shown = Season(
                visits=season.visits,
                volume=season.volume,
                results=results,
                site=join_sites(setting.sites),
                pictures=pictures,
            )
            files = [
                install_bytes(folder, render_sheet(visit, shown), f"{SHEETS}/{visit.visit_id}.pdf")
                for visit in season.visits.visits
                if visit.visit_id in wanted
            ]
            if not visit_ids:
                part = folder / WORK / KMZ
                part.parent.mkdir(exist_ok=True)
                write_kmz(
                    part,
                    (season.visits, season.volume),
                    results,
                    join_sites(setting.sites),
                    visit_places(season.visits, results, join_sites(setting.sites)),
                    Pictures(crops=pictures, overlays=_overlays(folder, season, results)),
                )
                files.append(install(folder, part, KMZ))
                _remove_orphans(folder, season)
            commit_exports(store, files)
        finally:
            remove_work(folder)
    return [folder / file.path for file in files]


def _wanted(season: SeasonFiles, visit_ids: Sequence[str]) -> set[str]:
    known = [visit.visit_id for visit in season.visits.visits]
    for name in visit_ids:
        if name not in known:
            raise UsageError(f"{name}: no such visit", hint=f"visits: {', '.join(known[:8]) or 'none'}")
    return set(visit_ids or known)


def _remove_orphans(folder: Path, season: SeasonFiles) -> None:
    """Remove sheets of visits that the season no longer has."""
    known = {visit.visit_id for visit in season.visits.visits}
    for path in (folder / SHEETS).glob("*.pdf"):
        if path.stem not in known:
            path.unlink(missing_ok=True)


def _overlays(folder: Path, season: SeasonFiles, results: Sequence[SceneResult]) -> Mapping[str, Overlay]:
    """The annotated image around each ship of a visit."""
    scenes = {result.scene_id: result for result in results}
    found: dict[str, Overlay] = {}
    for visit in season.visits.visits:
        for scene_id, detection_id in zip(visit.scene_ids, visit.detection_ids, strict=False):
            result = scenes.get(scene_id)
            ships = () if result is None else result.detections
            ship = next((d for d in ships if d.id == detection_id), None)
            if result is None or ship is None:
                continue
            for path in sorted((folder / "scenes" / scene_id).glob("annotated*.tif")):
                overlay = cut_overlay(path, ship, simulated=result.simulated)
                if overlay is not None:
                    found[f"{scene_id}/{detection_id}"] = overlay
                    break
    return found
