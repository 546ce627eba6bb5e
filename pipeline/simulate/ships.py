"""Parametric ships as coloured meshes in their own frame: x to starboard, y to the bow, z up.

The hull is wall-sided over the parallel mid-body, tapers to a transom aft and to a raked, flared bow. The
*truth* of a measurement is the height of the main deck edge amidships, `depth - draught`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.simulate.meshes import Array, Colour, Mesh, beam, box, cylinder, join, sheet, tilt

RUST: Colour = (0.04, 0.06, 0.13, 0.20, 0.20)
SCUM: tuple[Colour, ...] = ((0.03, 0.06, 0.04, 0.15, 0.10), (0.22, 0.22, 0.22, 0.22, 0.20))
"""Weed and salt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """Reflectances of a ship, (blue, green, red, nir, swir16)."""

    deck: Colour
    side: Colour
    boot_top: Colour
    house: Colour
    gear: Colour
    funnel: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What ships have or lack, beside the parts that all have."""

    edge_pipes: tuple[tuple[float, float, float], ...] = ()
    """Pipes along the hull near the deck edge: (distance from it, negative for port; width; height) [m]."""
    margin: float = 0.0
    """Width of a painted stripe along the deck edge [m]."""
    margin_tint: float = 1.0
    """Its brightness against the deck's."""
    bulwark: tuple[float, float] = (0.0, 0.0)
    """Stations between which a solid bulwark of a metre stands, as shares of the length from midship."""
    awnings: int = 0
    rust: float = 0.0
    """How much of the side's paint is rust, 0..1."""
    scum: float = 0.0
    """Height of the band of weed and salt along the water [m]."""
    wet: float = 0.0
    """How much of the deck is wet and dark, 0..1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hull:
    """One ship as built and as she floats."""

    kind: str
    """"tanker", "bulk-carrier", "tug", "barge" """
    length: float
    """Over all [m]."""
    beam: float
    depth: float
    """To the main deck at side [m]."""
    draught: float
    """Amidships [m]."""
    paint_line: float
    """Top of the boot-topping above the keel [m]."""
    trim: float = 0.0
    """Stern draught less bow draught [m]."""
    heel: float = 0.0
    """To starboard [deg]."""
    paint: Paint
    forecastle: bool = True
    poop: bool = True
    gutter: float = 0.15
    """Height of the bar that runs along the deck edge [m]."""
    gutter_inset: float = 0.4
    """Its distance from the deck edge [m]."""
    pipes: int = 6
    hoses: bool = False
    details: Details = Details()
    seed: int = 0

    @property
    def freeboard(self) -> float:
        """Deck edge above the water amidships, mean of both sides [m]."""
        return self.depth - self.draught


def half_breadth(hull: Hull, y: Array, level: float) -> Array:
    """Half-breadth at stations `y` from midship [m]; `level` is 0 at the keel and 1 at the deck."""
    half = hull.length / 2
    aft = np.clip((-0.28 * hull.length - y) / (0.22 * hull.length), 0, 1)
    fore_start = 0.30 * hull.length
    rake = (1 - level) * 0.035 * hull.length
    fore = np.clip((y - fore_start) / (half - rake - fore_start), 0, 1)
    fullness = 2.0 + 0.8 * level  # the flare: fuller at the deck
    return np.asarray(hull.beam / 2 * (1 - (0.35 - 0.2 * level) * aft**2) * (1 - fore**fullness))


def _stations(hull: Hull, level: float) -> Array:
    """Stations from the transom to the stem at a level [m]."""
    tip = hull.length / 2 - (1 - level) * 0.035 * hull.length
    spread = np.linspace(0, 1, 90)
    return -hull.length / 2 + (tip + hull.length / 2) * (1 - (1 - spread) ** 1.15)


def _speckle(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Array:
    """Multiplicative variation of paint, the same in every band."""
    return np.asarray(np.clip(1 + sigma * rng.standard_normal((*shape, 1)), 0.3, 1.7))


def _sides(hull: Hull, rng: np.random.Generator) -> list[Mesh]:
    """Both sides and the transom from the keel to the deck."""
    scum = hull.draught + hull.details.scum
    steps = [hull.paint_line - 0.01, hull.paint_line + 0.01, scum - 0.01, scum + 0.01]
    z = np.unique(np.concatenate([np.linspace(0, hull.depth, 12), steps]))
    z = z[z <= hull.depth]
    levels = z / hull.depth
    along = np.stack([_stations(hull, v) for v in levels])
    half = np.stack([half_breadth(hull, y, v) for y, v in zip(along, levels, strict=True)])
    colour = np.where(
        (z < hull.paint_line)[:, None, None], np.asarray(hull.paint.boot_top), np.asarray(hull.paint.side)
    )
    streaks = _speckle(rng, (1, along.shape[1]), 0.12) * _speckle(rng, along.shape, 0.05)
    colours = np.broadcast_to(colour, (*along.shape, 5)) * streaks
    colours = _weathered(hull, colours, z < scum)
    up = np.broadcast_to((z - hull.draught)[:, None], along.shape)
    port = sheet(np.stack([-half, along, up], -1), colours)
    starboard = sheet(np.stack([half, along, up], -1), colours)
    transom = sheet(
        np.stack(
            [
                np.stack([-half[:, 0], along[:, 0], up[:, 0]], -1),
                np.stack([half[:, 0], along[:, 0], up[:, 0]], -1),
            ]
        ),
        np.broadcast_to(colours[:, 0], (2, len(z), 5)),
    )
    return [port, starboard, transom]


def _weathered(hull: Hull, colours: Array, low: npt.NDArray[np.bool_]) -> Array:
    """The side with rust running down it and weed and salt where it is `low`."""
    details = hull.details
    rng = np.random.default_rng(hull.seed + 1)
    if details.scum > 0:
        tint = np.asarray(SCUM[int(rng.integers(len(SCUM)))])
        colours = np.where(low[:, None, None], tint, colours)
    run = (rng.random((1, colours.shape[1], 1)) < details.rust) * rng.uniform(0.3, 0.9)
    return np.asarray(colours * (1 - run) + run * np.asarray(RUST))


def _deck(hull: Hull, rng: np.random.Generator) -> Mesh:
    """The main deck, a little cambered, with patches of paint and rust."""
    y = _stations(hull, 1.0)
    half = half_breadth(hull, y, 1.0)
    across = np.linspace(-1, 1, 25)
    x = across[None, :] * half[:, None]
    z = hull.freeboard + hull.beam / 50 * (1 - across**2)[None, :] * (half / (hull.beam / 2))[:, None]
    coarse = rng.standard_normal((12, 6))
    patches = np.repeat(np.repeat(coarse, 8, 0), 5, 1)[: len(y), : len(across)]
    tint = np.clip(1 + 0.10 * patches, 0.5, 1.5)[..., None] * _speckle(rng, x.shape, 0.06)
    tint *= np.where(patches < 6 * hull.details.wet - 3, 0.5, 1.0)[..., None]
    points = np.stack([x, np.broadcast_to(y[:, None], x.shape), z], -1)
    return sheet(points, np.asarray(hull.paint.deck) * tint)


def _raised(hull: Hull, start: float, stop: float, height: float, colour: Colour) -> list[Mesh]:
    """A raised deck over stations start..stop (shares of the length from midship), following the hull."""
    y = np.linspace(start, stop, 24) * hull.length
    half = half_breadth(hull, np.minimum(y, hull.length / 2 - 0.01), 1.0)
    base, top = hull.freeboard - 0.05, hull.freeboard + height
    port, starboard = np.stack([-half, y], -1), np.stack([half, y], -1)
    loop = np.concatenate([port, starboard[::-1], port[:1]])
    wall = np.stack([np.c_[loop, np.full(len(loop), base)], np.c_[loop, np.full(len(loop), top)]])
    lid = np.stack([np.c_[port, np.full(len(y), top)], np.c_[starboard, np.full(len(y), top)]])
    side, deck = np.asarray(hull.paint.side), np.asarray(colour)
    return [
        sheet(wall, np.broadcast_to(side, (*wall.shape[:2], 5))),
        sheet(lid, np.broadcast_to(deck, (*lid.shape[:2], 5))),
    ]


def _house(hull: Hull, rng: np.random.Generator) -> list[Mesh]:
    """Accommodation block, bridge wings, funnel and mast, aft."""
    L, B, F = hull.length, hull.beam, hull.freeboard
    aft = -0.5 * L + 0.05 * L
    long = 0.10 * L + 3
    floors = int(np.clip(round(L / 35), 2, 5))
    base = F + (2.2 if hull.poop else 0.0)
    parts: list[Mesh] = []
    for floor in range(floors):
        width = B * (0.40 - 0.035 * floor)
        parts.append(
            box(
                (-width, aft + 0.8 * floor, base + 2.6 * floor),
                (width, aft + long - 0.9 * floor, base + 2.6 * (floor + 1)),
                hull.paint.house,
            )
        )
    top = base + 2.6 * floors
    bow_end = aft + long - 0.9 * (floors - 1)
    parts.append(box((-B / 2, bow_end - 3.0, top - 2.6), (B / 2, bow_end - 0.5, top - 2.2), hull.paint.house))
    radius = 0.09 * B
    parts.append(cylinder((0.0, aft - 0.8 * radius, base), radius, 2.6 * floors + 2.5, hull.paint.funnel))
    parts.append(beam((0.0, bow_end - 2, top), (0.0, bow_end - 2, top + 7), 0.5, hull.paint.house))
    if rng.random() < 0.6:
        parts.append(
            box((0.25 * B, aft + 1, base), (0.38 * B, aft + 8, base + 2.4), (0.1, 0.15, 0.5, 0.5, 0.4))
        )
    return parts


def _tanker_deck(hull: Hull, rng: np.random.Generator) -> list[Mesh]:
    """Pipes along the centreline, manifold and crane amidships, gutter bars, tank domes."""
    L, B, F = hull.length, hull.beam, hull.freeboard
    crown = F + B / 50
    aft, fore = -0.30 * L, 0.36 * L
    parts: list[Mesh] = []
    for i in range(hull.pipes):
        x = (i - (hull.pipes - 1) / 2) * 0.75 + rng.normal(0, 0.1)
        parts.append(
            beam((x, aft, crown + 0.7), (x, fore, crown + 0.7), 0.3 + 0.25 * rng.random(), hull.paint.gear)
        )
    walkway = 0.17 * B
    parts.append(box((walkway, aft, crown + 1.6), (walkway + 1.0, fore, crown + 1.75), hull.paint.gear))
    for y in (-2.0, -0.7, 0.7, 2.0):
        parts.append(beam((-0.42 * B, y, F + 1.1), (0.42 * B, y, F + 1.1), 0.35, hull.paint.gear))
    for side in (-1, 1):
        inner, outer = sorted((side * 0.36 * B, side * 0.42 * B))
        parts.append(box((inner, -4.0, F), (outer, 4.0, F + 0.8), hull.paint.gear))
        edge = hull.beam / 2 - hull.gutter_inset
        low, high = sorted((side * edge, side * (edge - 0.12)))
        parts.append(box((low, -0.27 * L, F), (high, 0.29 * L, F + hull.gutter), hull.paint.deck))
    mast = 5.0 + 0.04 * L
    parts.append(cylinder((0.08 * B, 6.0, F), 0.6, mast, hull.paint.house))
    parts.append(
        beam((0.08 * B, 6.0, F + mast), (0.08 * B, 6.0 + 0.09 * L, F + mast * 0.8), 0.6, hull.paint.house)
    )
    count = int(np.clip(L // 14, 4, 10))
    for y in np.linspace(aft + 4, fore - 4, count):
        for side in (-1, 1):
            parts.append(cylinder((side * 0.28 * B, y, F), 0.8, 1.2, hull.paint.gear, sides=10))
    if hull.hoses:
        y = -6.0
        parts.append(
            beam((0.3 * B, y, F + 1.2), (B / 2 + 1.5, y, F + 1.6), 0.5, (0.03, 0.03, 0.03, 0.03, 0.03))
        )
    return parts


def _deck_edge(hull: Hull) -> list[Mesh]:
    """Pipes, stripe, bulwark and awnings near the edge of the main deck."""
    L, B, F, details = hull.length, hull.beam, hull.freeboard, hull.details
    rng = np.random.default_rng(hull.seed + 2)
    aft, fore = -0.27 * L, 0.29 * L
    parts: list[Mesh] = []
    for inset, width, height in details.edge_pipes:
        x = np.sign(inset) * (B / 2 - abs(inset))
        parts.append(beam((x, aft, F + height), (x, fore, F + height), width, hull.paint.gear))
    for side in (-1, 1):
        if details.margin > 0:
            x = side * (B / 2 - np.array([0.0, details.margin]))
            z = F + 0.01 + B / 50 * (1 - (x / (B / 2)) ** 2)
            tint = np.asarray(hull.paint.deck) * details.margin_tint
            points = np.array([[(a, y, b) for a, b in zip(x, z, strict=True)] for y in (aft, fore)])
            parts.append(sheet(points, np.broadcast_to(np.clip(tint, 0, 0.8), (2, 2, 5))))
        start, stop = (share * L for share in details.bulwark)
        if stop > start:
            inner, outer = sorted((side * (B / 2 - 0.12), side * B / 2))
            parts.append(box((inner, start, F - 0.05), (outer, stop, F + 1.0), hull.paint.side))
    for _ in range(details.awnings):
        side, y = rng.choice([-1, 1]), rng.uniform(-0.2, 0.2) * L
        inner, outer = sorted((side * rng.uniform(0.2, 0.3) * B, side * 0.47 * B))
        cloth: Colour = ((0.5, 0.5, 0.5, 0.5, 0.4), (0.05, 0.15, 0.05, 0.3, 0.2))[int(rng.integers(2))]
        parts.append(box((inner, y, F + 2.4), (outer, y + rng.uniform(3, 8), F + 2.5), cloth))
    return parts


def _hatches(hull: Hull, rng: np.random.Generator) -> list[Mesh]:
    """Cargo hatches and cranes of a bulk carrier."""
    L, B, F = hull.length, hull.beam, hull.freeboard
    parts: list[Mesh] = []
    count = int(np.clip(L // 28, 3, 7))
    centres = np.linspace(-0.24 * L, 0.33 * L, count)
    long = 0.6 * (centres[1] - centres[0])
    for y in centres:
        parts.append(box((-0.28 * B, y - long / 2, F), (0.28 * B, y + long / 2, F + 1.8), hull.paint.gear))
    for y in (centres[:-1] + centres[1:]) / 2:
        parts.append(cylinder((0.0, y, F), 1.1, 12.0, hull.paint.house))
        parts.append(beam((0.0, y, F + 11), (rng.normal(0, 2), y + 0.12 * L, F + 13), 0.9, hull.paint.house))
    return parts


def build_ship(hull: Hull) -> Mesh:
    """The ship afloat: z = 0 is the water, trimmed and heeled about midship."""
    rng = np.random.default_rng(hull.seed)
    parts = [*_sides(hull, rng), _deck(hull, rng)]
    if hull.kind in {"tanker", "bulk-carrier"}:
        if hull.forecastle:
            parts += _raised(hull, 0.42, 0.4999, 2.2, hull.paint.deck)
        if hull.poop:
            parts += _raised(hull, -0.5, -0.33, 2.2, hull.paint.deck)
        parts += _house(hull, rng)
        parts += _tanker_deck(hull, rng) if hull.kind == "tanker" else _hatches(hull, rng)
        parts += _deck_edge(hull)
    elif hull.kind == "tug":
        parts.append(
            box(
                (-0.3 * hull.beam, -2.0, hull.freeboard),
                (0.3 * hull.beam, 5.0, hull.freeboard + 5.5),
                hull.paint.house,
            )
        )
        parts.append(cylinder((0.0, -3.0, hull.freeboard), 0.7, 6.0, hull.paint.funnel))
    return tilt(join(parts), hull.trim / hull.length, hull.heel)


def outline(hull: Hull, count: int = 24) -> Array:
    """The hull at the waterline, stern to bow and back: (n, 2) of (starboard, bow) [m]."""
    level = float(np.clip(hull.draught / hull.depth, 0.05, 1.0))
    tip = hull.length / 2 - (1 - level) * 0.035 * hull.length
    y = -hull.length / 2 + (tip + hull.length / 2) * (1 - (1 - np.linspace(0, 1, count)) ** 1.6)
    half = half_breadth(hull, y, level)
    return np.concatenate([np.c_[half, y], np.c_[-half, y][::-1]])
