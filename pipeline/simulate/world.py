"""Random worlds, drawn wider than any fit should assume."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from pipeline.datatypes import ViewGeometry
from pipeline.simulate.meshes import Colour, Mesh, beam, box, cylinder, join, place, sheet
from pipeline.simulate.render import Sea
from pipeline.simulate.ships import Details, Hull, Paint, build_ship

Situation = Literal["open", "jetty", "ship-to-ship", "tug", "clutter"]
SITUATIONS: tuple[Situation, ...] = ("open", "jetty", "ship-to-ship", "tug", "clutter")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """One ship and what lies about her."""

    hull: Hull
    heading: float
    """[deg]"""
    centre: tuple[float, float]
    """Midship at the waterline, (east, north) [m]."""
    meshes: tuple[Mesh, ...]
    sea: Sea
    view: ViewGeometry
    situation: Situation


def _grey(rng: np.random.Generator, low: float, high: float, tint: float = 0.05) -> Colour:
    level = rng.uniform(low, high)
    b, g, r = np.clip(level * (1 + tint * rng.standard_normal(3)), 0.01, 0.9)
    return (float(b), float(g), float(r), float(level), float(0.9 * level))


def draw_paint(rng: np.random.Generator) -> Paint:
    """Colours of a ship: red, green, grey or dark decks and hulls, clean or rusty."""
    decks: list[Colour] = [
        (0.07, 0.08, 0.20, 0.28, 0.25),
        (0.05, 0.10, 0.07, 0.18, 0.15),
        (0.16, 0.16, 0.17, 0.18, 0.17),
        (0.10, 0.14, 0.22, 0.28, 0.24),
        (0.05, 0.06, 0.07, 0.08, 0.08),
    ]
    sides: list[Colour] = [
        (0.03, 0.03, 0.03, 0.04, 0.04),
        (0.16, 0.07, 0.05, 0.08, 0.07),
        (0.06, 0.07, 0.16, 0.22, 0.20),
        (0.30, 0.30, 0.31, 0.30, 0.28),
        (0.10, 0.11, 0.12, 0.13, 0.13),
    ]
    deck = tuple(np.array(decks[rng.integers(len(decks))]) * rng.uniform(0.6, 1.5))
    side = tuple(np.array(sides[rng.integers(len(sides))]) * rng.uniform(0.7, 1.3))
    boot = tuple(np.array((0.05, 0.05, 0.16, 0.24, 0.20)) * rng.uniform(0.6, 1.4))
    funnel = _grey(rng, 0.05, 0.4, 0.5)
    return Paint(
        deck=deck,
        side=side,
        boot_top=boot,
        house=_grey(rng, 0.35, 0.75),
        gear=_grey(rng, 0.08, 0.4),
        funnel=funnel,
    )


def draw_details(rng: np.random.Generator, beam: float) -> Details:
    """Pipes by the rail, stripes, bulwarks, awnings, rust, weed, wet decks: most ships lack most of them."""
    pipes = tuple(
        (float(rng.choice([-1, 1]) * rng.uniform(0.4, 0.2 * beam)), float(rng.uniform(0.2, 0.6)), 0.5)
        for _ in range(rng.integers(0, 4))
    )
    start = float(rng.uniform(-0.26, 0.15))
    return Details(
        edge_pipes=pipes,
        margin=float(rng.uniform(0.2, 0.8)) if rng.random() < 0.3 else 0.0,
        margin_tint=float(rng.uniform(0.4, 2.0)),
        bulwark=(start, start + float(rng.uniform(0.05, 0.2))) if rng.random() < 0.2 else (0.0, 0.0),
        awnings=int(rng.integers(1, 4)) if rng.random() < 0.2 else 0,
        rust=float(rng.uniform(0.1, 0.8)) if rng.random() < 0.5 else 0.0,
        scum=float(rng.uniform(0.1, 0.8)) if rng.random() < 0.3 else 0.0,
        wet=float(rng.uniform(0.2, 0.9)) if rng.random() < 0.25 else 0.0,
    )


def _repaint(paint: Paint, rng: np.random.Generator) -> Paint:
    """Now and then a deck as her side, or as the sea, or a side as the sea."""
    draw = rng.random()
    b, g, r, n, s = (float(v) for v in np.array((0.045, 0.06, 0.05, 0.015, 0.005)) * rng.uniform(0.6, 1.6))
    sea: Colour = (b, g, r, n, s)
    if draw < 0.15:
        return replace(paint, deck=paint.side)
    if draw < 0.25:
        return replace(paint, deck=sea)
    return replace(paint, side=sea) if draw < 0.35 else paint


def draw_hull(rng: np.random.Generator, *, kind: str = "tanker") -> Hull:
    """A hull of 60 to 183 m in any state between ballast and laden."""
    length = float(np.exp(rng.uniform(np.log(60), np.log(183))))
    beam_ = length / rng.uniform(5.4, 7.0)
    depth = beam_ / rng.uniform(1.75, 2.1)
    summer = depth * rng.uniform(0.74, 0.84)
    ballast = (0.2 + 0.032 * length + 1.55 + 0.023 * length) / 2
    laden = rng.random() < 0.5
    share = rng.beta(6, 1.2) if laden else rng.beta(1.2, 5)
    draught = float(np.clip(ballast + share * (summer - ballast), 0.3 * depth, summer))
    trim = rng.normal(0.001, 0.0015) * length if laden else rng.uniform(0.002, 0.015) * length
    return Hull(
        kind=kind,
        length=length,
        beam=float(beam_),
        depth=float(depth),
        draught=draught,
        paint_line=float(summer * rng.uniform(0.85, 1.02)),
        trim=float(trim),
        heel=float(np.clip(rng.normal(0, 0.25 if rng.random() < 0.7 else 0.9), -1.6, 1.6)),
        paint=_repaint(draw_paint(rng), rng),
        forecastle=bool(rng.random() < 0.85),
        poop=bool(rng.random() < 0.8),
        gutter=float(rng.uniform(0.05, 0.30)),
        gutter_inset=float(rng.uniform(0.1, 1.2)),
        pipes=int(rng.integers(3, 9)),
        hoses=bool(rng.random() < 0.25),
        details=draw_details(rng, float(beam_)),
        seed=int(rng.integers(2**31)),
    )


def draw_sea(rng: np.random.Generator) -> Sea:
    """Blue to brown water, calm to rough."""
    clear = np.array([0.045, 0.035, 0.012, 0.003, 0.001])
    turbid = np.array([0.060, 0.090, 0.075, 0.020, 0.003])
    mix = rng.beta(1.5, 1.5)
    colour = (1 - mix) * clear + mix * turbid
    return Sea(
        upwelling=tuple(float(v) for v in colour * rng.uniform(0.7, 1.4)),  # type: ignore[arg-type]
        roughness=float(np.exp(rng.uniform(np.log(0.03), np.log(0.35)))),
        depth=float(np.exp(rng.uniform(np.log(0.08), np.log(0.6)))) * (1.5 - mix),
        waves=float(rng.uniform(0.01, 0.25)),
        wavelength=float(rng.uniform(4, 25)),
        seed=int(rng.integers(2**31)),
    )


def draw_view(rng: np.random.Generator) -> ViewGeometry:
    """Sun-synchronous mornings and afternoons, any azimuth of view."""
    elevation = float(rng.uniform(20, 70))
    return ViewGeometry(
        incidence_angle=float(rng.uniform(3, 33)),
        azimuth=float(rng.uniform(0, 360)),
        sun_elevation=elevation,
        sun_azimuth=float(rng.uniform(110, 240)),
        source="simulated",
    )


def build_jetty(length: float, width: float, height: float) -> Mesh:
    """A jetty on piles along y with its inner edge at x = 0, dolphins at both ends, and a loading arm."""
    concrete: Colour = (0.28, 0.29, 0.30, 0.31, 0.30)
    steel: Colour = (0.2, 0.22, 0.25, 0.27, 0.25)
    half = length / 2
    parts = [box((0.0, -half * 0.45, height - 1.0), (width, half * 0.45, height), concrete)]
    for y in (-half, -0.72 * half, 0.72 * half, half):
        parts.append(box((0.5, y - 3, -3), (width - 0.5, y + 3, height), concrete))
    for start, stop in ((-half, -0.45 * half), (0.45 * half, half)):
        parts.append(box((2.8, start, height - 0.4), (4.0, stop, height - 0.1), steel))
    for y in np.linspace(-0.42 * half, 0.42 * half, 9):
        for x in (1.0, width - 1.0):
            parts.append(cylinder((x, y, -4), 0.5, height + 3, concrete, sides=8))
    parts.append(cylinder((4.0, 0.0, height), 0.6, 12.0, steel))
    parts.append(beam((4.0, 0.0, height + 12), (-4.0, 0.0, height + 9), 0.5, steel))
    return join(parts)


def _mirror(mesh: Mesh) -> Mesh:
    return Mesh(vertices=mesh.vertices * np.array([-1.0, 1.0, 1.0]), faces=mesh.faces, colours=mesh.colours)


def _beside(hull: Hull, situation: Situation, rng: np.random.Generator) -> list[Mesh]:
    """What lies alongside, in the ship's frame."""
    side = 1 if rng.random() < 0.5 else -1
    if situation == "jetty":
        jetty = build_jetty(hull.length * rng.uniform(0.9, 1.3), rng.uniform(10, 20), rng.uniform(3, 5))
        moved = Mesh(
            vertices=jetty.vertices + np.array([hull.beam / 2 + rng.uniform(1.0, 3.0), 0.0, 0.0]),
            faces=jetty.faces,
            colours=jetty.colours,
        )
        return [moved if side > 0 else _mirror(moved)]
    if situation == "ship-to-ship":
        other = draw_hull(rng)
        gap = hull.beam / 2 + other.beam / 2 + rng.uniform(1.5, 4.0)
        return [
            place(build_ship(other), 0.0 if rng.random() < 0.7 else 180.0, (side * gap, rng.normal(0, 10)))
        ]
    if situation == "tug":
        tug = draw_tug(rng)
        reach = hull.beam / 2 + tug.beam / 2 + rng.uniform(0.5, 3.0)
        at = rng.uniform(-0.25, 0.3) * hull.length
        return [place(build_ship(tug), float(rng.choice([0.0, 180.0])), (side * reach, at))]
    if situation == "clutter":
        off = hull.beam / 2 + rng.uniform(18, 30)
        barge = draw_barge(rng)
        astern = -hull.length / 2 - barge.length / 2 - rng.uniform(4, 12)
        return [
            place(build_breakwater(0.8 * hull.length, rng), rng.uniform(-8, 8), (side * (off + 12), 0.0)),
            place(build_ship(barge), float(rng.uniform(-20, 20)), (-side * 0.7 * off, astern / 2)),
            place(build_buoy(), 0.0, (-side * off, 0.35 * hull.length)),
        ]
    return []


def build_breakwater(length: float, rng: np.random.Generator) -> Mesh:
    """A rubble mound along y, stones of a metre or two, its crest some metres above the water."""
    y = np.linspace(-length / 2, length / 2, max(8, round(length / 1.5)))
    x = np.linspace(-9.0, 9.0, 15)
    crest = rng.uniform(2.0, 4.0)
    height = np.clip(crest * (1 - (np.abs(x) / 8.0) ** 1.5), -1.5, None)[None, :]
    rough = rng.normal(0, 0.35, (len(y), len(x)))
    points = np.stack(
        [np.broadcast_to(x, rough.shape), np.broadcast_to(y[:, None], rough.shape), height + rough], -1
    )
    stone = np.array([0.16, 0.17, 0.18, 0.21, 0.22])
    return sheet(points, stone * (0.7 + 0.6 * rng.random((*rough.shape, 1))))


def build_buoy() -> Mesh:
    """A lit mark: a float and a lantern on its pole."""
    red: Colour = (0.05, 0.05, 0.4, 0.4, 0.4)
    return join([cylinder((0, 0, -1.0), 1.5, 2.2, red), cylinder((0, 0, 1.2), 0.3, 3.0, red)])


def draw_barge(rng: np.random.Generator) -> Hull:
    """A dumb barge: a box with a deck and nothing on it."""
    length = float(rng.uniform(25, 45))
    return Hull(
        kind="barge",
        length=length,
        beam=length / 3.4,
        depth=3.2,
        draught=float(rng.uniform(0.8, 2.4)),
        paint_line=2.0,
        paint=draw_paint(rng),
        forecastle=False,
        poop=False,
        seed=int(rng.integers(2**31)),
    )


def draw_tug(rng: np.random.Generator) -> Hull:
    """A harbour tug."""
    length = float(rng.uniform(22, 34))
    return Hull(
        kind="tug",
        length=length,
        beam=length / 2.9,
        depth=4.2,
        draught=2.8,
        paint_line=3.0,
        paint=draw_paint(rng),
        forecastle=False,
        poop=False,
        seed=int(rng.integers(2**31)),
    )


def draw_world(seed: int, situation: Situation = "open") -> World:
    """One world from a seed."""
    rng = np.random.default_rng(seed)
    hull, sea, view = draw_hull(rng), draw_sea(rng), draw_view(rng)
    heading = float(rng.uniform(0, 360))
    centre = (float(rng.uniform(-3, 3)), float(rng.uniform(-3, 3)))
    around = [place(m, heading, centre) for m in _beside(hull, situation, rng)]
    return World(
        hull=hull,
        heading=heading,
        centre=centre,
        meshes=(place(build_ship(hull), heading, centre), *around),
        sea=sea,
        view=view,
        situation=situation,
    )
