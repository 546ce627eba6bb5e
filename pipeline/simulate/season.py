"""The sample season: five weeks at a simulated terminal, as a plan and as files.

Its ships and their loads are those of `pipeline.simulate.register`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.constants import BARREL, DIESEL_DENSITY15
from pipeline.datatypes import Grid, ViewGeometry
from pipeline.geometry import grid_of, lonlat_to_ground, pixel_to_ground, sun_position
from pipeline.simulate.chips import ORIGIN, ship_truth
from pipeline.simulate.files import EPSG, stac_item, write_image, write_json
from pipeline.simulate.meshes import Mesh, foam, place
from pipeline.simulate.register import (
    CONSUMABLES,
    RESIDUAL,
    SHIPS,
    VISITS,
    Particulars,
    cargo_of,
    register_rows,
)
from pipeline.simulate.render import Frame, Sea, trace
from pipeline.simulate.sensor import SCALE, Sensor, record
from pipeline.simulate.ships import Hull, build_ship
from pipeline.simulate.sky import Clouds, hide
from pipeline.simulate.terminal import REACH, berth_place, build_terminal, site_document
from pipeline.simulate.world import draw_paint, draw_tug

START = datetime(2025, 3, 10, tzinfo=UTC)


_CLEAR = Clouds(cover=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One scene of the plan."""

    day: int
    minute: int
    """After 00:00 UTC."""
    gsd: float
    incidence: float
    azimuth: float
    ship: tuple[str, str, str] | None = None
    """(visit, "arrival" or "departure", berth)"""
    clouds: Clouds = _CLEAR
    bulk_carrier: bool = False
    damaged: bool = False

    @property
    def when(self) -> datetime:
        """UTC."""
        return START + timedelta(days=self.day, minutes=self.minute)

    @property
    def scene_id(self) -> str:
        """Date and gsd: sim-YYYYMMDD-05 for 0.5 m."""
        name = {0.5: "05", 3.0: "30", 10.0: "100"}[self.gsd]
        return f"sim-{self.when:%Y%m%d}-{name}" + ("-damaged" if self.damaged else "")


_OVERCAST = Clouds(cover=0.97, height=900.0, size=500.0, thickness=0.98, seed=3)
_FAIR = Clouds(cover=0.06, height=1400.0, size=220.0, thickness=0.85, seed=11)
PLAN = (
    Pass(day=1, minute=100, gsd=0.5, incidence=18.0, azimuth=265.0),
    Pass(day=3, minute=130, gsd=3.0, incidence=6.0, azimuth=100.0, ship=("v1", "arrival", "anchorage")),
    Pass(day=4, minute=110, gsd=0.5, incidence=20.0, azimuth=290.0, ship=("v1", "arrival", "west")),
    Pass(day=5, minute=125, gsd=10.0, incidence=5.0, azimuth=285.0, ship=("v1", "arrival", "west")),
    Pass(day=6, minute=140, gsd=0.5, incidence=15.0, azimuth=255.0, ship=("v1", "departure", "west")),
    Pass(day=8, minute=130, gsd=3.0, incidence=4.0, azimuth=95.0),
    Pass(day=10, minute=105, gsd=0.5, incidence=24.0, azimuth=300.0, ship=("v2", "arrival", "west")),
    Pass(
        day=11,
        minute=135,
        gsd=0.5,
        incidence=22.0,
        azimuth=270.0,
        ship=("v2", "departure", "west"),
        clouds=_FAIR,
    ),
    Pass(day=12, minute=125, gsd=10.0, incidence=5.0, azimuth=285.0),
    Pass(day=13, minute=130, gsd=3.0, incidence=5.0, azimuth=98.0, bulk_carrier=True),
    Pass(day=15, minute=125, gsd=10.0, incidence=5.0, azimuth=285.0, clouds=_OVERCAST),
    Pass(day=18, minute=130, gsd=3.0, incidence=5.0, azimuth=98.0, clouds=replace(_OVERCAST, seed=5)),
    Pass(day=23, minute=100, gsd=0.5, incidence=25.0, azimuth=110.0, ship=("v3", "arrival", "east")),
    Pass(day=24, minute=130, gsd=3.0, incidence=5.0, azimuth=98.0, ship=("v3", "arrival", "east")),
    Pass(day=25, minute=105, gsd=0.5, incidence=29.0, azimuth=95.0, ship=("v3", "departure", "east")),
    Pass(day=29, minute=110, gsd=0.5, incidence=19.0, azimuth=280.0, ship=("v4", "arrival", "west")),
    Pass(day=30, minute=105, gsd=0.5, incidence=13.0, azimuth=262.0, ship=("v4", "departure", "west")),
    Pass(day=31, minute=120, gsd=0.5, incidence=17.0, azimuth=275.0, ship=("v4", "departure", "west")),
    Pass(day=32, minute=125, gsd=10.0, incidence=5.0, azimuth=285.0),
    Pass(day=33, minute=130, gsd=3.0, incidence=5.0, azimuth=98.0, damaged=True),
)


def float_ship(visit: str, state: str) -> tuple[Particulars, Hull, float]:
    """(particulars, hull afloat, cargo on board [t]) of a visit's arrival or departure."""
    name, _ = VISITS[visit]
    ship = SHIPS[name]
    rng = np.random.default_rng(ship.imo)
    cargo = cargo_of(visit) if state == "departure" else 0.0
    if state == "departure":
        draught = ship.draught_for(cargo + (CONSUMABLES + RESIDUAL) * ship.dwt)
    else:
        draught = ship.ballast_draught()
    hull = Hull(
        kind="tanker",
        length=ship.loa,
        beam=ship.beam,
        depth=ship.depth,
        draught=draught,
        paint_line=0.93 * ship.summer_draught,
        trim=(0.002 if state == "departure" else 0.011) * ship.loa,
        heel=float(rng.normal(0, 0.15)),
        paint=draw_paint(rng),
        pipes=6,
        seed=ship.imo,
    )
    return ship, hull, cargo


def _bulk_carrier() -> tuple[Hull, tuple[float, float], float]:
    rng = np.random.default_rng(77)
    hull = Hull(
        kind="bulk-carrier",
        length=172.0,
        beam=27.0,
        depth=14.5,
        draught=9.0,
        paint_line=9.8,
        paint=draw_paint(rng),
        seed=77,
    )
    return hull, (200.0, 60.0), 348.0


def _wake(hull: Hull) -> Mesh:
    """Foam behind a ship under way, in her frame."""
    rng = np.random.default_rng(5)
    y = np.linspace(-0.5 * hull.length - 260, -0.5 * hull.length, 120)
    fade = (y - y[0]) / (y[-1] - y[0])
    half = hull.beam * (0.35 + 0.25 * (1 - fade))
    level = (0.03 + 0.30 * fade[:, None] ** 2) * (0.7 + 0.6 * rng.random((120, 11)))
    return foam(y, half, level)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Afloat:
    """One ship in one scene."""

    hull: Hull
    centre: tuple[float, float]
    heading: float
    truth: dict[str, Any]


def ships_of(plan: Pass) -> list[Afloat]:
    """Every ship of a pass with its truth."""
    found: list[Afloat] = []
    if plan.ship is not None:
        visit, state, berth = plan.ship
        ship, hull, cargo = float_ship(visit, state)
        centre, heading = berth_place(berth, hull)
        truth = {
            "imo": ship.imo,
            "name": ship.name,
            "visit": visit,
            "state": state,
            "berth": berth if berth != "anchorage" else None,
            "deadweight_on_board": ship.deadweight(hull.draught),
            "cargo": cargo,
            "load_fraction": cargo / (ship.dwt * (1 - CONSUMABLES)),
        }
        found.append(Afloat(hull=hull, centre=centre, heading=heading, truth=truth))
        if berth == "anchorage":
            tug = draw_tug(np.random.default_rng(3))
            found.append(Afloat(hull=tug, centre=(40.0, 150.0), heading=80.0, truth={"berth": None}))
    if plan.bulk_carrier:
        hull, centre, heading = _bulk_carrier()
        found.append(Afloat(hull=hull, centre=centre, heading=heading, truth={"berth": None}))
    return found


def _grid(gsd: float) -> tuple[Grid, tuple[float, ...]]:
    """The scene's grid and its transform in EPSG:32653; coarse sensors see more around."""
    from pyproj import Transformer

    reach = np.asarray(REACH) * {0.5: 1.0, 3.0: 1.6, 10.0: 2.5}[gsd]
    x, y = Transformer.from_crs("EPSG:4326", f"EPSG:{EPSG}", always_xy=True).transform(*ORIGIN)
    west, north = (round((x - reach[0]) / gsd) * gsd, round((y + reach[1]) / gsd) * gsd)
    transform = (gsd, 0.0, float(west), 0.0, -gsd, float(north))
    shape = (round(2 * reach[1] / gsd), round(2 * reach[0] / gsd))
    return grid_of(f"EPSG:{EPSG}", transform, shape), transform


def _local(grid: Grid) -> Grid:
    """The same pixels in the plane about `ORIGIN`, in which the terminal is built."""
    corner = pixel_to_ground(grid, (0.0, 0.0))
    shift = lonlat_to_ground(ORIGIN, grid.origin)
    a, b, _, d, e, _ = grid.to_ground
    east, north = corner + shift
    return Grid(shape=grid.shape, to_ground=(a, b, float(east), d, e, float(north)), origin=ORIGIN)


def _sensor(gsd: float) -> Sensor:
    bands = ("blue", "green", "red", "nir", "swir16") if gsd == 10.0 else ("blue", "green", "red", "nir")
    return Sensor(gsd=gsd, bands=bands, blur=0.5, shot=0.0012, read=0.0006)


def render_scene(plan: Pass, samples: int = 4) -> dict[str, Any]:
    """Counts, geometry and truth of one pass, as the parts of its files."""
    sensor = _sensor(plan.gsd)
    utm, transform = _grid(plan.gsd)
    grid = _local(utm)
    elevation, azimuth = sun_position(plan.when, ORIGIN)
    view = ViewGeometry(
        incidence_angle=plan.incidence,
        azimuth=plan.azimuth,
        sun_elevation=elevation,
        sun_azimuth=azimuth,
        source="simulated",
    )
    ships = ships_of(plan)
    meshes = [*build_terminal()]
    for ship in ships:
        meshes.append(place(build_ship(ship.hull), ship.heading, ship.centre))
        if ship.hull.kind == "bulk-carrier":
            meshes.append(place(_wake(ship.hull), ship.heading, ship.centre))
    over = 2 if plan.gsd < 1 else int(np.ceil(plan.gsd / 1.0))
    rows, cols = grid.shape
    a, b, _, d, e, _ = (v / over for v in grid.to_ground)
    east, north = pixel_to_ground(grid, (cols / 2, rows / 2))
    frame = Frame(centre=(float(east), float(north)), shape=(rows * over, cols * over), axes=(a, b, d, e))
    sea = Sea(
        upwelling=(0.050, 0.060, 0.038, 0.009, 0.002),
        roughness=0.10,
        depth=0.2,
        waves=0.07,
        wavelength=9.0,
        seed=plan.day,
    )
    film = trace(meshes, sea, view, frame, samples=samples, bands=sensor.bands)
    col, row = np.meshgrid((np.arange(cols * over) + 0.5) / over, (np.arange(rows * over) + 0.5) / over)
    ground = pixel_to_ground(grid, np.stack([col, row], -1))
    film, seen, dark = hide(film, ground[..., 0], ground[..., 1], plan.clouds, view)
    return {
        "counts": record(film, over, sensor, plan.day),
        "transform": transform,
        "grid": utm,
        "view": view,
        "sensor": sensor,
        "cloud_cover": float((seen > 0.4).mean()),
        "truth": _truth(plan, ships, view, float((seen > 0.4).mean()), float((dark > 0.4).mean())),
    }


def _truth(
    plan: Pass, ships: list[Afloat], view: ViewGeometry, cloudy: float, shadowed: float
) -> dict[str, Any]:
    rows = []
    for ship in ships:
        known = ship_truth(ship.hull, ship.heading, ship.centre)
        rows.append(
            {
                **ship.truth,
                "kind": known.kind,
                "outline": [list(p) for p in known.outline],
                "heading": known.heading,
                "length": known.length,
                "beam": known.beam,
                "depth": known.depth,
                "draught": known.draught,
                "freeboard": known.freeboard,
                "freeboard_port": known.freeboard_port,
                "freeboard_starboard": known.freeboard_starboard,
                "trim": known.trim,
                "heel": known.heel,
                "hidden": plan.clouds.cover > 0.9,
            }
        )
    return {
        "simulated": True,
        "scene_id": plan.scene_id,
        "datetime": plan.when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "gsd": plan.gsd,
        "incidence_angle": view.incidence_angle,
        "cloud_fraction": cloudy,
        "shadow_fraction": shadowed,
        "ships": rows,
    }


def write_scene(plan: Pass, folder: Path) -> None:
    """One pass as `folder`/<scene id>/{image.tif,item.json,truth.json}."""
    parts = render_scene(plan)
    target = folder / plan.scene_id
    target.mkdir(parents=True, exist_ok=True)
    coarse = 10 if plan.gsd < 1 else 1  # fewer bits of noise keep the fine scenes small
    counts = np.maximum(np.round(parts["counts"] / coarse), 1).astype(np.uint16)
    image = {
        "gsd": plan.gsd,
        "bands": parts["sensor"].bands,
        "scale": SCALE * coarse,
        "cloud_cover": parts["cloud_cover"],
    }
    write_image(target / "image.tif", counts, parts["transform"], parts["sensor"].bands)
    if plan.damaged:
        data = (target / "image.tif").read_bytes()
        (target / "image.tif").write_bytes(data[: int(0.6 * len(data))])
    write_json(
        target / "item.json", stac_item(plan.scene_id, plan.when, parts["view"], parts["grid"], image=image)
    )
    write_json(target / "truth.json", parts["truth"])


def season_truth() -> dict[str, Any]:
    """The truth of the whole season: visits, tonnes, barrels."""
    visits = []
    for visit, (name, fraction) in VISITS.items():
        looks = [p for p in PLAN if p.ship is not None and p.ship[0] == visit]
        cargo = cargo_of(visit)
        visits.append(
            {
                "visit": visit,
                "imo": SHIPS[name].imo,
                "load_fraction": fraction,
                "cargo": cargo,
                "barrels": cargo * 1000 / DIESEL_DENSITY15 / BARREL,
                "scenes": [p.scene_id for p in looks],
            }
        )
    return {
        "simulated": True,
        "density15": DIESEL_DENSITY15,
        "visits": visits,
        "cargo": sum(v["cargo"] for v in visits),
        "barrels": sum(v["barrels"] for v in visits),
    }


def write_frame(folder: Path) -> None:
    """Site, register and the season's truth."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "site.geojson", site_document())
    (folder / "fleet.csv").write_text("\n".join(register_rows()) + "\n", encoding="utf-8")
    write_json(folder / "season.json", season_truth())
