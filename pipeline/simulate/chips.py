"""Chips of single ships for statistics: pixels, geometry and truth without files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pipeline.datatypes import Chip, Detection, Grid, Polygon, ViewGeometry
from pipeline.geometry import ground_to_lonlat, ship_axes
from pipeline.simulate.render import Frame, trace
from pipeline.simulate.sensor import SCALE, Sensor, record
from pipeline.simulate.ships import Hull, outline
from pipeline.simulate.world import Situation, World, draw_world

ORIGIN = (133.6, 42.75)
"""Where every simulated chip lies, (lon, lat)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipTruth:
    """What is true of one simulated ship."""

    kind: str
    outline: Polygon
    """At the waterline, (lon, lat)."""
    centre: tuple[float, float]
    """(east, north) [m]"""
    heading: float
    length: float
    beam: float
    depth: float
    draught: float
    freeboard: float
    """Mean of both deck edges amidships [m]."""
    freeboard_port: float
    freeboard_starboard: float
    trim: float
    heel: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedChip:
    """One chip with its truth. Simulated."""

    chip: Chip
    view: ViewGeometry
    truth: ShipTruth
    situation: Situation
    seed: int


def outline_lonlat(hull: Hull, heading: float, centre: tuple[float, float]) -> Polygon:
    """The hull at the waterline on the Earth, (lon, lat)."""
    bow, starboard = ship_axes(heading)
    points = outline(hull)
    ground = np.asarray(centre) + points[:, :1] * starboard + points[:, 1:] * bow
    return tuple((float(x), float(y)) for x, y in ground_to_lonlat(ORIGIN, ground))


def ship_truth(hull: Hull, heading: float, centre: tuple[float, float]) -> ShipTruth:
    """The truth of a hull afloat at a place."""
    lift = hull.beam / 2 * np.sin(np.radians(hull.heel))
    mean = hull.freeboard * np.cos(np.radians(hull.heel))
    return ShipTruth(
        kind=hull.kind,
        outline=outline_lonlat(hull, heading, centre),
        centre=centre,
        heading=heading,
        length=hull.length,
        beam=hull.beam,
        depth=hull.depth,
        draught=hull.draught,
        freeboard=float(mean),
        freeboard_port=float(mean + lift),
        freeboard_starboard=float(mean - lift),
        trim=hull.trim,
        heel=hull.heel,
    )


def truth_detection(truth: ShipTruth, *, seed: int = 0, error: float = 1.0) -> Detection:
    """A detection with the errors a detector makes, scaled by `error`; 0 gives the truth."""
    rng = np.random.default_rng(seed)
    shift = error * rng.normal(0, 1.0, 2)
    return Detection(
        id="d1",
        outline=truth.outline,
        centre=(truth.centre[0] + float(shift[0]), truth.centre[1] + float(shift[1])),
        heading=float((truth.heading + error * rng.normal(0, 0.7)) % 360),
        heading_sigma=0.8,
        heading_ambiguous=False,
        length=float(truth.length + error * rng.normal(0, 2.0)),
        length_sigma=2.0,
        beam=float(truth.beam + error * rng.normal(0, 0.7)),
        beam_sigma=0.8,
        kind="tanker",
        tanker_probability=0.9,
        score=0.9,
    )


def _chip(counts: np.ndarray, sensor: Sensor, frame: Frame) -> Chip:
    rows, cols = counts.shape[1:]
    a, b, d, e = (v * frame.shape[0] / rows for v in frame.axes)
    c, f = (frame.centre[k] - (x * cols + y * rows) / 2 for k, (x, y) in enumerate(((a, b), (d, e))))
    grid = Grid(shape=(rows, cols), to_ground=(a, b, c, d, e, f), origin=ORIGIN)
    return Chip(
        pixels=(counts * np.float32(SCALE)).astype(np.float32),
        valid=np.ones((rows, cols), bool),
        bands=sensor.bands,
        grid=grid,
        calibrated=True,
    )


def _frame(world: World, sensor: Sensor, oversampling: int, turn: float | None) -> Frame:
    """North up round the whole ship, or turned by `turn` from her heading round her mid-body."""
    step = sensor.gsd / oversampling
    if turn is None:
        high = wide = world.hull.length + 40.0
        axes = (step, 0.0, 0.0, -step)
    else:
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        along, across = 0.5 * world.hull.length + 8.0, 2 * (1.8 * world.hull.beam + 20.0)
        high, wide = along * c + across * abs(s), across * c + along * abs(s)
        bow, starboard = ship_axes(world.heading + turn)
        axes = (*(step * np.array([starboard[0], -bow[0], starboard[1], -bow[1]])),)
    rows, cols = (int(np.ceil(v / sensor.gsd / 2)) * 2 * oversampling for v in (high, wide))
    return Frame(centre=(0.0, 0.0), shape=(rows, cols), axes=axes)


def simulate_chip(
    world: World, sensor: Sensor, *, seed: int, samples: int = 3, turn: float | None = None
) -> SimulatedChip:
    """One chip of one world.

    Parameters
    ----------
    turn
        Of the pixel grid against the heading [deg], for a chip of the mid-body and the water beside it; None
        for one of the whole ship, north up.
    """
    oversampling = 2 if sensor.gsd < 1 else int(np.ceil(sensor.gsd / 0.75))
    frame = _frame(world, sensor, oversampling, turn)
    film = trace(world.meshes, world.sea, world.view, frame, samples=samples, bands=sensor.bands)
    counts = record(film, oversampling, sensor, seed)
    return SimulatedChip(
        chip=_chip(counts, sensor, frame),
        view=world.view,
        truth=ship_truth(world.hull, world.heading, world.centre),
        situation=world.situation,
        seed=seed,
    )


def simulate_chips(
    count: int, *, seed: int = 0, gsd: float = 0.5, situations: tuple[Situation, ...] = ("open",)
) -> Iterator[SimulatedChip]:
    """Chips of random worlds, situations in turn; the same seed gives the same chips.

    Raises
    ------
    MissingExtraError
        The extra `simulate` is not installed.
    """
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        sensor = draw_sensor(rng, gsd)
        draw = int(rng.integers(2**31))
        world = draw_world(draw, situations[number % len(situations)])
        yield simulate_chip(world, sensor, seed=draw)


def simulate_midbody(number: int, *, seed: int, gsd: float, situation: Situation) -> SimulatedChip:
    """The mid-body of one random ship and the water beside it, in three bands: a quarter of a chip's cost."""
    rng = np.random.default_rng((seed, number))
    sensor = replace(draw_sensor(rng, gsd), bands=("green", "red", "nir"))
    draw = int(rng.integers(2**31))
    world = draw_world(draw, situation)
    return simulate_chip(world, sensor, seed=draw, turn=float(rng.uniform(-20, 20)))


def draw_sensor(rng: np.random.Generator, gsd: float) -> Sensor:
    """A camera, sharp or soft, with the haze left in or not, pansharpened or not."""
    return Sensor(
        gsd=gsd,
        blur=float(rng.uniform(0.35, 0.75)),
        shot=float(rng.uniform(0.0008, 0.003)),
        pansharpened=bool(rng.random() < 0.4 and gsd < 1),
        toa=bool(rng.random() < 0.5),
    )
