"""Clouds: omission and commission on real pixels, outcomes of berths on simulated ones, speed."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.table import Table, not_run
from pipeline.clouds import decide_berths, find_clouds
from pipeline.clouds.cells import make_cells
from pipeline.clouds.spectral import measure_lift
from pipeline.config import CloudsConfig, IngestConfig
from pipeline.datatypes import BoolArray, Chip, Scene
from pipeline.errors import InputError
from pipeline.ingest import find_deliveries, read_chip, read_scene, read_site

ROOT = Path(__file__).resolve().parents[2]
IMAGERY = ROOT.parent / "shared" / "imagery"
SEASON = ROOT / "sample_scenes"
CONFIG = CloudsConfig()
SHORE = 500.0
"""Water and port: not further from open water [m]."""


def _chips(folder: Path) -> list[tuple[str, Scene, Chip]]:
    """(name, scene, chip) of all that can be read below a folder."""
    found = []
    for delivery in find_deliveries([folder]):
        try:
            scene = read_scene(delivery)
            found.append((delivery.name, scene, read_chip(scene, aoi=None, config=IngestConfig())))
        except InputError:  # the season holds a damaged file
            continue
    return found


def _own(chip: Chip) -> BoolArray:
    """Our own mask, the delivered one left aside."""
    bare = replace(chip, delivered_cloudy=None, delivered_shadowed=None, delivered_method=None)
    return find_clouds(bare, None, config=CONFIG).cloudy


def _by_the_water(chip: Chip) -> BoolArray:
    """(row, col), True on open water and within `SHORE` of it."""
    import cv2

    sea = measure_lift(make_cells(chip)).sea  # cells are pixels at 10 m
    away = cv2.distanceTransform((~sea).astype(np.uint8), cv2.DIST_L2, 5) * chip.grid.gsd
    return np.asarray(away <= SHORE)


def _share(part: BoolArray, whole: BoolArray) -> float | None:
    """Of `whole` that is in `part` [%]."""
    total = int(np.count_nonzero(whole))
    return 100.0 * np.count_nonzero(part & whole) / total if total else None


def against_scl() -> Table:
    """Omission and commission of our own and of the combined mask against SCL, over water and port."""
    rows: list[tuple[object, ...]] = []
    for name, scene, chip in _chips(IMAGERY / "s2-debris-ports"):
        scl = chip.delivered_cloudy
        if scl is None:
            continue
        combined = find_clouds(chip, scene.geometry, config=CONFIG).cloudy
        here = _by_the_water(chip) & chip.valid
        for what, found in (("own", _own(chip)), ("SCL and own", combined)):
            rows.append(
                (
                    name,
                    what,
                    100 * float(scl[here].mean()),
                    100 * float(found[here].mean()),
                    _share(~found, scl & here),
                    _share(found, ~scl & here),
                )
            )
    return Table(
        title="Clouds against SCL, water and port",
        columns=("place", "mask", "SCL cloud, %", "cloud, %", "omission, %", "commission, %"),
        rows=rows,
        note="SCL is not made by hand: at Accra it counts the beach, surf, parts of the fishing harbour and "
        "the shadow between two clouds as cloud, all of which is omission here. Water and port: within "
        f"{SHORE:.0f} m of open water.",
    )


def clear_places() -> Table:
    """Cloud found by our own mask where a person sees a clear sky, and in the one cloudy chip."""
    rows: list[tuple[object, ...]] = []
    for folder in ("sen2ships", "rapideye-sfbay"):
        for name, _, chip in _chips(IMAGERY / folder):
            rows.append((name[:24], 100 * float(_own(chip)[chip.valid].mean()), "clear"))
    chips = [(name, _own(chip)) for name, _, chip in _chips(IMAGERY / "eotdl-ships-s2")]
    cloudy = [(name, mask) for name, mask in chips if "219023648" in name]
    clear = [mask for name, mask in chips if "219023648" not in name]
    rows.append((f"eotdl, {len(clear)} chips", 100 * float(np.mean(clear)), "clear"))
    rows += [(name, 100 * float(mask.mean()), "cumulus at two rims") for name, mask in cloudy]
    return Table(
        title="Cloud in places seen to be clear",
        columns=("place", "cloud, %", "by eye"),
        rows=rows,
    )


def season() -> Table:
    """Cloud fraction and outcomes of berths over the simulated season."""
    site = read_site(str(SEASON / "site.geojson"))
    rows: list[tuple[object, ...]] = []
    for _, scene, chip in _chips(SEASON):
        truth = json.loads((SEASON / scene.scene_id / "truth.json").read_text(encoding="utf-8"))
        mask = find_clouds(chip, scene.geometry, config=CONFIG)
        states = decide_berths(site, chip, mask, {}, config=CONFIG)
        hidden = truth["cloud_fraction"] > 0.9
        free = {s.id for s in states} - {ship["berth"] for ship in truth["ships"]}
        wanted = "obscured" if hidden else "clear-empty"
        right = sum(s.state == wanted for s in states if s.id in free or hidden)
        rows.append(
            (
                scene.scene_id,
                100 * float(truth["cloud_fraction"]),
                100 * float(mask.cloudy[chip.valid].mean()),
                ", ".join(f"{s.id} {s.state} {s.clear_fraction:.2f}" for s in states),
                f"{right} of {sum(s.id in free or hidden for s in states)}",
            )
        )
    return Table(
        title="Clouds over the simulated season",
        columns=("scene", "true cloud, %", "cloud, %", "berths, no detections given", "as wanted"),
        rows=rows,
        note="Simulated. True cloud counts opacity above 0.4, the mask about 0.15 and above. Berths with a "
        "ship are not counted: no detections are given. Wanted: obscured under overcast, else clear-empty; "
        "obscured under cumulus is the careful answer and counts as not wanted.",
    )


def speed() -> Table:
    """Of our own mask, full resolution in, one thread."""
    import cv2

    from pipeline.datatypes import Grid

    rows: list[tuple[object, ...]] = []
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for gsd, side, bands in ((0.5, 4000, 4), (3.0, 3000, 4), (10.0, 2000, 5)):
            noise = np.random.default_rng(1).normal(0.05, 0.005, (bands, side, side)).astype(np.float32)
            noise[:, side // 4 : side // 2, side // 4 : side // 2] += 0.5
            chip = Chip(
                pixels=noise,
                valid=np.ones((side, side), bool),
                bands=("blue", "green", "red", "nir", "swir16")[:bands],
                grid=Grid(shape=(side, side), to_ground=(gsd, 0, 0, 0, -gsd, 0), origin=(133.0, 42.7)),
                calibrated=True,
            )
            times = []
            for _ in range(4):
                start = time.process_time()
                find_clouds(chip, None, config=CONFIG)
                times.append(time.process_time() - start)
            rows.append((f"{gsd:g} m, {bands} bands, {side} x {side}", side * side / 1e6 / min(times)))
    finally:
        cv2.setNumThreads(before)
    note = "Nearly all of it is clear, and there is one cloud; shadows are not looked for. Asked: above 20."
    return Table(title="Speed: our own cloud mask", columns=("chip", "Mpixel/s a core"), rows=rows, note=note)


def tables() -> list[Table]:
    """All that is there to be measured."""
    if IMAGERY.is_dir():
        found = [against_scl(), clear_places()]
    else:
        found = [not_run("Clouds on real pixels", "../shared/imagery is not there")]
    if (SEASON / "site.geojson").is_file():
        found.append(season())
    else:
        found.append(not_run("Clouds over the simulated season", "sample_scenes is empty"))
    return found
