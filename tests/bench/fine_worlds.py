"""Scenes of 0.35 to 0.8 m with several ships each: roads, ship to ship, wakes, quays, jetties, clouds.

Drawn wider than the sample season: any light, water from blue to brown, calm to rough, glint, decks as dark
as the water. A terminal is drawn at several looks, so that its memory can be learned. All is simulated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from shapely import Polygon as Ring

from bench.painted import paint
from pipeline.datatypes import Chip, Grid, Polygon, Site, SiteFeature, ViewGeometry
from pipeline.geometry import block_mean, ground_to_lonlat, polygon_mask, ship_axes
from pipeline.simulate.chips import ORIGIN, outline_lonlat
from pipeline.simulate.meshes import Mesh, box, cylinder, foam, place
from pipeline.simulate.render import Frame, Sea, trace
from pipeline.simulate.sensor import SCALE, Sensor, record
from pipeline.simulate.ships import Hull, build_ship, outline
from pipeline.simulate.sky import Clouds, hide
from pipeline.simulate.terminal import build_land
from pipeline.simulate.world import (
    build_breakwater,
    build_buoy,
    build_jetty,
    draw_barge,
    draw_hull,
    draw_sea,
    draw_tug,
    draw_view,
)

Array = npt.NDArray[np.float64]
State = Literal["open", "ship-to-ship", "alongside"]
BANDS = ("blue", "green", "red", "nir")
COAST = -235.0
"""Of `build_land`, on average [m]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueShip:
    """What is true of one ship of a scene."""

    kind: str
    state: State
    heading: float
    length: float
    beam: float
    outline: Polygon
    """At the waterline, (lon, lat)."""
    under_way: bool
    opacity: float
    """Of the cloud over her, mean, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FineScene:
    """One scene and its truth."""

    name: str
    chip: Chip
    view: ViewGeometry
    ships: tuple[TrueShip, ...]
    site: Site | None
    opacity: npt.NDArray[np.float32]
    """(row, col) of the cloud, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Afloat:
    hull: Hull
    centre: tuple[float, float]
    heading: float
    state: State
    speed: bool = False


# ------------------------------------------------------------------------------------------------ parts


def draw_ship(rng: np.random.Generator, sea: Sea, longest: float) -> Hull:
    """A tanker or a bulk carrier of 42 m to `longest`; one deck in eight is about as dark as the water."""
    kind = "tanker" if rng.random() < 0.5 else "bulk-carrier"
    hull = draw_hull(rng, kind=kind)
    scale = rng.uniform(0.65, 0.95) if rng.random() < 0.25 else 1.0
    scale = min(scale, longest / hull.length)
    scale = max(scale, 42.0 / hull.length)
    size = {
        name: getattr(hull, name) * scale
        for name in ("length", "beam", "depth", "draught", "paint_line", "trim")
    }
    hull = replace(hull, **size)
    if rng.random() < 0.12:
        blue, green, red, nir, swir = np.asarray(sea.upwelling) * rng.uniform(0.9, 1.6) + 0.015
        deck = (float(blue), float(green), float(red), float(nir), float(swir))
        hull = replace(hull, paint=replace(hull.paint, deck=deck))
    return hull


def build_wake(hull: Hull, rng: np.random.Generator) -> Mesh:
    """Foam astern, in her frame."""
    reach = rng.uniform(60, 250)
    y = np.linspace(-0.5 * hull.length - reach, -0.5 * hull.length, 90)
    fade = (y - y[0]) / reach
    half = hull.beam * (0.35 + 0.3 * (1 - fade))
    level = (0.03 + 0.3 * fade[:, None] ** 2) * (0.6 + 0.8 * rng.random((90, 11)))
    return foam(y, half, level)


def _draw_light(rng: np.random.Generator, sea: Sea) -> tuple[Sea, ViewGeometry]:
    """Any view; one in eight looks into the glint, half of the seas are flat sheets."""
    view = draw_view(rng)
    if rng.random() < 0.12:
        view = replace(
            view,
            azimuth=(view.sun_azimuth + 180.0 + rng.normal(0, 15)) % 360,
            incidence_angle=float(np.clip(90 - view.sun_elevation - rng.uniform(0, 12), 5, 33)),
        )
    if rng.random() < 0.5:
        sea = replace(sea, depth=0.0)
    return sea, view


def _draw_sky(rng: np.random.Generator) -> Clouds:
    """Clear in three of four; else thin or thick cloud in patches."""
    if rng.random() < 0.75:
        return Clouds(cover=0.0)
    return Clouds(
        cover=float(rng.uniform(0.15, 0.6)),
        height=float(rng.uniform(600, 2500)),
        size=float(rng.uniform(120, 400)),
        thickness=float(rng.uniform(0.15, 0.9)),
        seed=int(rng.integers(2**31)),
    )


def _ring(ship: _Afloat, margin: float) -> Ring:
    bow, starboard = ship_axes(ship.heading)
    points = outline(ship.hull)
    ground = np.asarray(ship.centre) + points[:, :1] * starboard + points[:, 1:] * bow
    return Ring(ground).buffer(margin)


def _sensor(rng: np.random.Generator, gsd: float) -> Sensor:
    return Sensor(
        gsd=gsd,
        bands=BANDS,
        blur=float(rng.uniform(0.35, 0.75)),
        shot=float(rng.uniform(0.0008, 0.003)),
        pansharpened=bool(rng.random() < 0.3),
        toa=bool(rng.random() < 0.5),
    )


# ------------------------------------------------------------------------------------------------- roads


def draw_roads(seed: int, *, traced: bool = True) -> FineScene:
    """Ships at anchor, under way and ship to ship, with tugs, barges, buoys and a breakwater."""
    rng = np.random.default_rng((11, seed))
    gsd = float(rng.choice([0.35, 0.45, 0.5, 0.5, 0.6, 0.7, 0.8]))
    side = float(np.clip(760 * gsd, 240, 440))
    sea = draw_sea(rng)
    sea, view = _draw_light(rng, sea)
    meshes: list[Mesh] = []
    ships: list[_Afloat] = []
    taken: list[Ring] = []
    for _ in range(int(rng.integers(2, 5))):
        group, extra = _draw_group(rng, sea, side)
        rings = [_ring(ship, 12.0) for ship in group]
        inside = all(max(np.abs(np.asarray(r.exterior.coords)).ravel()) < side / 2 - 4 for r in rings)
        if not inside or any(r.intersects(other) for r in rings for other in taken):
            continue
        ships += group
        taken += rings
        meshes += extra
    meshes += _draw_clutter(rng, side, taken)
    return _render(
        f"roads-{seed:03d}", rng, (sea, view), meshes, ships, gsd=gsd, side=side, site=None, traced=traced
    )


def _draw_group(rng: np.random.Generator, sea: Sea, side: float) -> tuple[list[_Afloat], list[Mesh]]:
    """One ship, or one with another or a tug at her side."""
    hull = draw_ship(rng, sea, min(183.0, 0.62 * side))
    heading = float(rng.uniform(0, 360))
    reach = side / 2 - 0.3 * hull.length
    centre = (float(rng.uniform(-reach, reach)), float(rng.uniform(-reach, reach)))
    bow, starboard = ship_axes(heading)
    sense = 1 if rng.random() < 0.5 else -1
    what = rng.random()
    if what < 0.25:
        other = draw_ship(rng, sea, min(hull.length * 1.15, 0.62 * side))
        gap = hull.beam / 2 + other.beam / 2 + rng.uniform(1.5, 4.0)
        place_ = np.asarray(centre) + sense * gap * starboard + rng.normal(0, 8) * bow
        turned = heading if rng.random() < 0.7 else (heading + 180) % 360
        pair = [
            _Afloat(hull=hull, centre=centre, heading=heading, state="ship-to-ship"),
            _Afloat(
                hull=other, centre=(float(place_[0]), float(place_[1])), heading=turned, state="ship-to-ship"
            ),
        ]
        return pair, []
    ship = _Afloat(hull=hull, centre=centre, heading=heading, state="open", speed=what > 0.85)
    extra: list[Mesh] = []
    if what < 0.4:
        tug = draw_tug(rng)
        at = (
            sense * (hull.beam / 2 + tug.beam / 2 + rng.uniform(0.5, 3)),
            rng.uniform(-0.25, 0.3) * hull.length,
        )
        spot = np.asarray(centre) + at[0] * starboard + at[1] * bow
        extra.append(place(build_ship(tug), heading, (float(spot[0]), float(spot[1]))))
    if ship.speed:
        extra.append(place(build_wake(hull, rng), heading, centre))
    return [ship], extra


def _draw_clutter(rng: np.random.Generator, side: float, taken: list[Ring]) -> list[Mesh]:
    """Buoys, barges under 40 m and, in one scene of three, a breakwater, clear of the ships."""
    found: list[Mesh] = []

    def free(reach: float) -> tuple[float, float] | None:
        from shapely import Point

        for _ in range(30):
            east, north = (float(v) for v in rng.uniform(-side / 2 + 8, side / 2 - 8, 2))
            if all(ring.distance(Point(east, north)) > reach for ring in taken):
                return east, north
        return None

    for _ in range(int(rng.integers(0, 3))):
        if (spot := free(10.0)) is not None:
            found.append(place(build_buoy(), 0.0, spot))
    if rng.random() < 0.4 and (spot := free(30.0)) is not None:
        barge = draw_barge(rng)
        barge = replace(barge, length=min(barge.length, 34.0))
        found.append(place(build_ship(barge), float(rng.uniform(0, 360)), spot))
    if rng.random() < 0.33 and (spot := free(75.0)) is not None:
        found.append(
            place(build_breakwater(float(rng.uniform(60, 130)), rng), float(rng.uniform(0, 360)), spot)
        )
    return found


# ---------------------------------------------------------------------------------------------- terminals


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Where ships lie, in the terminal's frame: x seaward, y along."""

    x: float
    sense: int
    """+1 where they lie at larger x, else -1."""
    middle: float
    """y of the berth's middle [m]."""
    longest: float
    """Ship that lies here [m]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terminal:
    """A jetty or a quay, in its own frame: x seaward, y along."""

    turn: float
    """Azimuth of its y axis [deg]."""
    faces: tuple[Face, ...]
    half: float
    """Of the jetty's length [m]."""
    meshes: tuple[Mesh, ...]
    side: float
    gsd: float
    site: Site


def draw_terminal(number: int) -> Terminal:
    """The fixed part of terminal `number`: a jetty with two faces off the shore, or a quay."""
    rng = np.random.default_rng((23, number))
    gsd = (0.5, 0.35, 0.7, 0.5, 0.8, 0.4, 0.6, 0.5)[number % 8]
    side = 370.0 if gsd >= 0.5 else 280.0
    turn = float(rng.uniform(0, 360))
    half = float(rng.uniform(0.22, 0.36) * side)
    meshes: list[Mesh] = []
    quay = number % 3 == 2
    if quay:
        top = float(rng.uniform(3, 5))
        coast = -0.12 * side
        meshes.append(_shifted(build_land(), coast - 20 - COAST))
        grey = float(rng.uniform(0.15, 0.35))
        meshes.append(box((coast - 45, -0.75 * side, -6), (coast, 0.4 * side, top), (grey,) * 5))
        for y in np.arange(-0.3 * side, 0.3 * side, 45.0):
            meshes.append(
                box((coast - 30, y, top), (coast - 12, y + 20, top + 7), (0.3, 0.32, 0.36, 0.36, 0.3))
            )
        faces: tuple[Face, ...] = (Face(x=coast, sense=1, middle=0.0, longest=2.3 * half),)
    else:
        width = float(rng.uniform(10, 20))
        meshes.append(_shifted(build_land(), -0.42 * side - COAST))
        jetty = build_jetty(2 * half, width, float(rng.uniform(3, 5)))
        meshes.append(jetty)
        root = float(rng.choice([-1, 1]) * rng.uniform(0.6, 0.9)) * half
        trestle = (0.26, 0.27, 0.28, 0.29, 0.28)
        meshes.append(box((-0.5 * side, root - 3, 3.4), (1.0, root + 3, 4.0), trestle))
        for x in np.arange(-0.4 * side, 0.0, 15.0):
            meshes.append(cylinder((x, root, -4.0), 0.7, 7.6, trestle, sides=10))
        faces = (Face(x=width, sense=1, middle=0.0, longest=2.3 * half),)
        if rng.random() < 0.6:
            middle = -float(np.sign(root)) * 0.4 * half
            faces += (Face(x=0.0, sense=-1, middle=middle, longest=1.5 * half),)
    if rng.random() < 0.5:
        mound = build_breakwater(0.35 * side, rng)
        meshes.append(place(mound, float(rng.uniform(-20, 20)), (0.38 * side, 0.1 * side)))
    placed = tuple(place(mesh, turn, (0.0, 0.0)) for mesh in meshes)
    site = _site(number, turn, faces, side)
    return Terminal(turn=turn, faces=faces, half=half, meshes=placed, side=side, gsd=gsd, site=site)


def _shifted(mesh: Mesh, east: float) -> Mesh:
    return replace(mesh, vertices=mesh.vertices + np.array([east, 0.0, 0.0]))


def _to_ground(points: Array, turn: float) -> Array:
    bow, starboard = ship_axes(turn)
    return np.asarray(points[:, :1] * starboard + points[:, 1:] * bow)


def _site(number: int, turn: float, faces: tuple[Face, ...], side: float) -> Site:
    """Area and berths; no land is drawn, so that the memory has to learn it."""

    def feature(name: str, role: str, ground: Array) -> SiteFeature:
        ring = ground_to_lonlat(ORIGIN, np.concatenate([ground, ground[:1]]))
        return SiteFeature(
            id=name, role=role, name=name, outline=tuple((float(x), float(y)) for x, y in ring),  # type: ignore[arg-type]
            accuracy=1.0, source="simulated", verified=True,
        )  # fmt: skip

    edge = side / 2
    corners = np.array([(-edge, -edge), (edge, -edge), (edge, edge), (-edge, edge)])
    features = [feature("aoi", "aoi", corners)]
    for k, face in enumerate(faces):
        (x, out), half = (face.x, face.x + face.sense * 34), max(face.longest, 60.0) / 2
        reach = np.array([(x, -half), (out, -half), (out, half), (x, half)]) + np.array([[0.0, face.middle]])
        features.append(feature(f"berth{k}", "berth", _to_ground(reach, turn)))
    return Site(
        id=f"terminal{number}",
        name="simulated",
        features=tuple(features),
        water_density=1025.0,
        timezone="UTC",
    )


def draw_look(terminal: Terminal, number: int, look: int, *, traced: bool = True) -> FineScene:
    """One look at a terminal: each face empty or with a ship, in its own light; one ship may pass."""
    rng = np.random.default_rng((29, number, look))
    sea = draw_sea(rng)
    sea, view = _draw_light(rng, sea)
    ships: list[_Afloat] = []
    extra: list[Mesh] = []
    for face in terminal.faces:
        if rng.random() < 0.35:
            continue
        hull = draw_ship(rng, sea, min(face.longest, 183.0))
        gap = hull.beam / 2 + float(rng.uniform(1.0, 3.5))
        slack = max(face.longest - hull.length, 0.0) / 4
        where = np.array([[face.x + face.sense * gap, face.middle + rng.uniform(-1, 1) * slack]])
        spot = _to_ground(where, terminal.turn)[0]
        heading = (terminal.turn + (0 if rng.random() < 0.5 else 180)) % 360
        ship = _Afloat(hull=hull, centre=(float(spot[0]), float(spot[1])), heading=heading, state="alongside")
        ships.append(ship)
        if rng.random() < 0.2:
            tug = draw_tug(rng)
            out = where + np.array([[face.sense * (hull.beam / 2 + tug.beam / 2 + 1.5), 0.0]])
            off = _to_ground(out, terminal.turn)[0]
            extra.append(place(build_ship(tug), heading, (float(off[0]), float(off[1]))))
    return _render(
        f"terminal{number}-{look}", rng, (sea, view), [*terminal.meshes, *extra], ships,
        gsd=terminal.gsd, side=terminal.side, site=terminal.site, traced=traced,
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------- rendering


def _render(
    name: str,
    rng: np.random.Generator,
    light: tuple[Sea, ViewGeometry],
    meshes: list[Mesh],
    ships: list[_Afloat],
    *,
    gsd: float,
    side: float,
    site: Site | None,
    traced: bool,
) -> FineScene:
    sea, view = light
    clouds, sensor = _draw_sky(rng), _sensor(rng, gsd)
    count = round(side / gsd)
    over = 2
    step = gsd / over
    frame = Frame(centre=(0.0, 0.0), shape=(count * over, count * over), axes=(step, 0.0, 0.0, -step))
    solid = [*meshes, *(place(build_ship(s.hull), s.heading, s.centre) for s in ships)]
    if traced:
        film = trace(solid, sea, view, frame, samples=1, bands=BANDS[1:])
        blue = np.maximum(1.6 * film[:1] - 0.6 * film[1:2], 0.3 * film[:1])  # three bands cost half as much
        film = np.concatenate([blue, film])
    else:
        film = paint(solid, sea, view, frame)
    half = count * gsd / 2
    grid = Grid(shape=(count, count), to_ground=(gsd, 0.0, -half, 0.0, -gsd, half), origin=ORIGIN)
    ground = -half + (np.arange(count) + 0.5) * gsd
    small = np.stack([block_mean(plane, over) for plane in film])
    east, north = np.meshgrid(ground, -ground)
    film, seen, _ = hide(small, east, north, clouds, view)
    chip = Chip(
        pixels=record(film, 1, sensor, int(rng.integers(2**31))).astype(np.float32) * np.float32(SCALE),
        valid=np.ones((count, count), bool),
        bands=BANDS,
        grid=grid,
        calibrated=True,
    )
    opacity = seen.astype(np.float32)
    truth = tuple(_truth(ship, grid, opacity) for ship in ships)
    return FineScene(name=name, chip=chip, view=view, ships=truth, site=site, opacity=opacity)


def _truth(ship: _Afloat, grid: Grid, opacity: npt.NDArray[np.float32]) -> TrueShip:
    ring = outline_lonlat(ship.hull, ship.heading, ship.centre)
    inside = polygon_mask(grid, ring)
    return TrueShip(
        kind=ship.hull.kind,
        state=ship.state,
        heading=ship.heading,
        length=ship.hull.length,
        beam=ship.hull.beam,
        outline=ring,
        under_way=ship.speed,
        opacity=float(opacity[inside].mean()) if inside.any() else 1.0,
    )


# --------------------------------------------------------------------------------------------------- cache


def cached(name: str, folder: Path | None) -> FineScene:
    """The scene "roads-007" or "terminal3-2", with "painted-" before it not traced; kept in `folder`."""
    import pickle

    path = None if folder is None else folder / f"{name}.pickle"
    if path is not None and path.is_file():
        return pickle.loads(path.read_bytes())  # type: ignore[no-any-return]
    traced, what = not name.startswith("painted-"), name.removeprefix("painted-")
    if what.startswith("roads-"):
        scene = draw_roads(int(what.removeprefix("roads-")), traced=traced)
    else:
        number, look = (int(v) for v in what.removeprefix("terminal").split("-"))
        scene = draw_look(draw_terminal(number), number, look, traced=traced)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        partial.write_bytes(pickle.dumps(scene))
        partial.rename(path)
    return scene
