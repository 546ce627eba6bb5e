"""A small ray-cast world of convex bodies on a sea, for tests of freeboard: truth by construction.

It shares no code with the fit: every sub-sample of a pixel is a ray to the satellite and a ray to the sun
through half-spaces. It is drawn wider than the fit assumes: curved bow, trim, heel, gutters, pipes,
manifold, boot-top, jetties, tugs, penumbra, light that enters the water, waves that shade each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Chip, Detection, Grid, ViewGeometry
from pipeline.geometry import ground_to_lonlat, pixel_to_ground, ship_axes

Array = npt.NDArray[np.float64]
ORIGIN = (132.99, 42.75)
BANDS = ("blue", "green", "red", "nir")
SUN_SHARE = 0.8
"""Of the light on a horizontal plane; the rest comes from the sky."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One ship, one sea, one sensor."""

    freeboard: float = 3.0
    length: float = 100.0
    beam: float = 16.0
    heading: float = 30.0
    view: ViewGeometry = field(
        default_factory=lambda: ViewGeometry(
            incidence_angle=20.0, azimuth=285.0, sun_elevation=42.0, sun_azimuth=158.0, source="stac"
        )
    )
    gsd: float = 0.5
    turn: float = 3.0
    """Of the pixel grid, clockwise [deg]."""
    psf_px: float = 0.5
    noise: float = 0.002
    trim: float = 0.0
    """Bow up [m per m]."""
    heel: float = 0.0
    """Starboard down [deg]."""
    water: tuple[float, ...] = (0.055, 0.05, 0.035, 0.012)
    volume: float = 0.6
    """Share of the water's light that comes from below the surface."""
    z_eff: float = 0.15
    waves: float = 0.08
    """Relative standard deviation of the water's light."""
    wave_length: float = 1.5
    deck: tuple[float, ...] = (0.08, 0.09, 0.17, 0.18)
    side: tuple[float, ...] = (0.05, 0.05, 0.06, 0.06)
    boot: tuple[float, ...] = (0.05, 0.05, 0.14, 0.15)
    boot_height: float = 0.0
    """Of the paint line above the water [m]."""
    gutter: float = 0.0
    """Width of a strip of other colour along the deck edge [m]."""
    gutter_level: float = 1.0
    """Relative to the deck."""
    bar: tuple[float, float] = (0.0, 0.0)
    """Height of the coaming along both deck edges and its distance from them [m]."""
    pipes: tuple[tuple[float, float, float], ...] = ()
    """(distance from the centreline, width, relative level), along the deck."""
    clutter: float = 0.1
    """Relative standard deviation of patches on the deck."""
    manifold: bool = True
    jetty: float = 0.0
    """Gap between hull and a jetty to starboard (positive) or port (negative); 0 for none [m]."""
    house: tuple[float, float] = (-0.31, 0.09)
    """Front of the accommodation block from amidships and its height above the deck, in lengths."""
    tug: float = 0.0
    """Position along of a tug on the shadow side; 0 for none [m]."""
    neighbour: float = 0.0
    """Gap to a ship alongside, signed as the jetty; 0 for none [m]."""
    neighbour_paint: tuple[float, ...] = (0.12, 0.1, 0.1, 0.1)
    bands: tuple[str, ...] = BANDS
    samples: int = 4
    traced: float = 1.1
    """Half the length along which the sea and the ship are traced, in half lengths of the ship."""
    margin: float = 25.0


@dataclass(frozen=True, slots=True)
class Body:
    """Points p with normals @ p <= limits, in the ship's frame (ahead, starboard, up)."""

    normals: Array
    limits: Array
    colour: tuple[float, ...]
    kind: str


def prism(
    plan: list[tuple[float, float]], top: tuple[float, float, float], colour: tuple[float, ...], kind: str
) -> Body:
    """Convex plan (counter-clockwise) under the plane z = a + b x + c y; face 0 is the top."""
    a, b, c = top
    normals, limits = [np.array([-b, -c, 1.0])], [a]
    for (x0, y0), (x1, y1) in zip(plan, plan[1:] + plan[:1], strict=True):
        normal = np.array([y1 - y0, -(x1 - x0), 0.0])
        normal /= np.hypot(normal[0], normal[1])
        normals.append(normal)
        limits.append(normal[0] * x0 + normal[1] * y0)
    return Body(np.array(normals), np.array(limits), colour, kind)


def box(
    x: tuple[float, float], y: tuple[float, float], top: float, colour: tuple[float, ...], kind: str
) -> Body:
    plan = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])]
    return prism(plan, (top, 0.0, 0.0), colour, kind)


def bodies_of(world: World) -> list[Body]:
    L, B, F = world.length, world.beam, world.freeboard
    t = np.linspace(0, np.pi, 9)
    bow = [(L / 2 - 0.16 * L * (1 - float(np.sin(q))), -B / 2 * float(np.cos(q))) for q in t]
    plan = [
        (-L / 2, -B * 0.42),
        (-L / 2 + 0.07 * L, -B / 2),
        *bow,
        (-L / 2 + 0.07 * L, B / 2),
        (-L / 2, B * 0.42),
    ]
    plan = _convex(plan)
    slope = -np.tan(np.radians(world.heel))
    hull = prism(plan, (F, world.trim, float(slope)), world.side, "hull")
    height, inset = world.bar
    bars = [
        prism(
            [(-0.28 * L, y - 0.05), (0.3 * L, y - 0.05), (0.3 * L, y + 0.05), (-0.28 * L, y + 0.05)],
            (F + height, world.trim, float(slope)),
            world.deck if height < 0.5 else world.side,
            "bar",
        )
        for y in (inset - B / 2 + 0.05, B / 2 - inset - 0.05)
        if height > 0.0
    ]
    white = tuple(0.45 for _ in world.side)
    front, tall = (share * L for share in world.house)
    house = box((-0.45 * L, front), (-0.42 * B, 0.42 * B), F + tall, white, "house")
    bodies = [hull, house, *bars]
    if world.manifold:
        grey = tuple(1.4 * d for d in world.deck)
        bodies.append(box((-0.02 * L, 0.03 * L), (-0.4 * B, 0.4 * B), F + 1.5, grey, "manifold"))
    if world.jetty:
        side, gap = np.sign(world.jetty), abs(world.jetty)
        y = sorted((side * (B / 2 + gap), side * (B / 2 + gap + 15.0)))
        grey = (0.25, 0.25, 0.26, 0.27)
        bodies.append(box((-0.7 * L, 0.7 * L), (y[0], y[1]), 3.0, grey, "jetty"))
    if world.tug:
        shadow = -np.sign(np.sin(np.radians(world.view.sun_azimuth - world.heading)))
        y = sorted((shadow * (B / 2 + 1.0), shadow * (B / 2 + 8.0)))
        bodies.append(
            box((world.tug - 12, world.tug + 12), (y[0], y[1]), 1.8, (0.2, 0.15, 0.15, 0.15), "tug")
        )
    if world.neighbour:
        side, gap = np.sign(world.neighbour), abs(world.neighbour)
        y = sorted((side * (B / 2 + gap), side * (B / 2 + gap + B)))
        bodies.append(box((-0.4 * L, 0.4 * L), (y[0], y[1]), 0.8 * F + 1, world.neighbour_paint, "neighbour"))
    return bodies


def _convex(plan: list[tuple[float, float]]) -> list[tuple[float, float]]:
    from scipy.spatial import ConvexHull

    points = np.array(plan)
    return [(float(x), float(y)) for x, y in points[ConvexHull(points).vertices]]


def _passage(body: Body, points: Array, direction: Array) -> tuple[Array, Array, npt.NDArray[np.intp]]:
    """Entry and exit parameters of the rays points + t direction, and the face of the exit."""
    along = body.normals @ direction
    gap = body.limits - points @ body.normals.T
    with np.errstate(divide="ignore", invalid="ignore"):
        t = gap / along
    leaving = np.where(along > 1e-12, t, np.inf)
    entering = np.where(along < -1e-12, t, -np.inf)
    outside = ((np.abs(along) <= 1e-12) & (gap < 0)).any(axis=1)
    out = leaving.min(axis=1)
    out[outside] = -np.inf
    return np.maximum(entering.max(axis=1), 0.0), out, leaving.argmin(axis=1)


def _blocked(bodies: list[Body], points: Array, sun: Array) -> npt.NDArray[np.bool_]:
    hidden = np.zeros(len(points), dtype=np.bool_)
    for body in bodies:
        start, stop, _ = _passage(body, points, sun)
        hidden |= (stop > start + 1e-6) & (stop > 1e-4)
    return hidden


def _direction(elevation: float, azimuth: float, heading: float) -> Array:
    turn = np.radians(azimuth - heading)
    flat = 1.0 / np.tan(np.radians(elevation))
    return np.array([flat * np.cos(turn), flat * np.sin(turn), 1.0])


def _refracted(direction: Array) -> Array:
    flat = np.hypot(direction[0], direction[1])
    sine = flat / np.hypot(flat, 1.0) / 1.34
    return np.asarray(direction[:2] / max(flat, 1e-9) * np.tan(np.arcsin(sine)))


def _texture(shape: tuple[int, int], length_px: float, rng: np.random.Generator) -> Array:
    from scipy.ndimage import gaussian_filter

    field_ = gaussian_filter(rng.standard_normal(shape), max(length_px / 2, 0.3))
    return np.asarray(field_ / field_.std())


def _deck_colour(world: World, x: Array, y: Array, patches: Array) -> Array:
    """(point, band) reflectance of the deck."""
    level = 1.0 + world.clutter * patches
    for offset, width, relative in world.pipes:
        level = np.where(np.abs(y - offset) < width / 2, level * relative, level)
    if world.gutter:
        level = np.where(np.abs(y) > world.beam / 2 - world.gutter, level * world.gutter_level, level)
    hatch = (np.abs(y) < 0.25 * world.beam) & ((x % 12.0) < 5.0)
    level = np.where(hatch, level * 0.9, level)
    return np.asarray(level[:, None] * np.array(world.deck)[None, :])


def grid_for(world: World) -> Grid:
    half = np.hypot(world.length, world.beam) / 2 + world.margin
    n = int(np.ceil(2 * half / world.gsd))
    t, g = np.radians(world.turn), world.gsd
    a, d, b, e = g * np.cos(t), -g * np.sin(t), -g * np.sin(t), -g * np.cos(t)
    c, f = -(a + b) * n / 2 + 0.37 * g, -(d + e) * n / 2 - 0.21 * g
    return Grid(shape=(n, n), to_ground=tuple(float(q) for q in (a, b, c, d, e, f)), origin=ORIGIN)  # type: ignore[arg-type]


def render(world: World, *, seed: int = 0) -> Chip:
    """The chip a sensor would take of this world."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    grid, k = grid_for(world), world.samples
    rows, cols = grid.shape
    row, col = np.mgrid[0:rows, 0:cols]
    bow, starboard = ship_axes(world.heading)
    waves = _texture(grid.shape, world.wave_length / world.gsd, rng).ravel()
    patches = _texture(grid.shape, 4.0 / world.gsd, rng).ravel()
    bodies = bodies_of(world)
    total = np.zeros((rows * cols, len(BANDS)))
    centres = pixel_to_ground(grid, np.stack([col + 0.5, row + 0.5], axis=-1)).reshape(-1, 2)
    reach = world.beam / 2 + 3.0 * world.freeboard + 24.0
    near = (np.abs(centres @ starboard) < reach) & (
        np.abs(centres @ bow) < world.traced * world.length / 2 + 4.0
    )
    total[~near] = (world.samples**2 * (1 + world.waves * waves[~near]))[:, None] * _open_sea(world)
    near_waves, near_patches = waves[near], patches[near]
    for i in range(k):
        for j in range(k):
            jitter = rng.random((2, rows, cols))
            colrow = np.stack([col + (j + jitter[0]) / k, row + (i + jitter[1]) / k], axis=-1)
            ground = pixel_to_ground(grid, colrow).reshape(-1, 2)[near]
            points = np.stack([ground @ bow, ground @ starboard, np.zeros(len(ground))], axis=-1)
            total[near] += _light(world, bodies, points, (near_waves, near_patches), rng)
    planes = (total / k**2).T.reshape(len(BANDS), rows, cols)
    planes = np.stack([gaussian_filter(p, world.psf_px) for p in planes])
    planes = planes + world.noise * rng.standard_normal(planes.shape)
    keep = [BANDS.index(b) for b in world.bands] if world.bands != ("pan",) else [0, 1, 2]
    chosen = planes[keep] if world.bands != ("pan",) else planes[keep].mean(axis=0, keepdims=True)
    return Chip(
        pixels=np.clip(chosen, 0, None).astype(np.float32),
        valid=np.ones((rows, cols), dtype=np.bool_),
        bands=world.bands,
        grid=grid,
        calibrated=True,
    )


def _light(
    world: World,
    bodies: list[Body],
    points: Array,
    textures: tuple[Array, Array],
    rng: np.random.Generator,
) -> Array:
    """(point, band) light towards the satellite of one sub-sample of every pixel."""
    waves, patches = textures
    view = world.view
    up = _direction(90 - view.incidence_angle, view.azimuth, world.heading)
    # one point of the sun's disc for the whole sub-sample gives the penumbra over the k^2 of them
    radius, angle = 0.2666 * np.sqrt(rng.random()), 2 * np.pi * rng.random()
    sun = _direction(
        view.sun_elevation + radius * np.sin(angle),
        view.sun_azimuth + radius * np.cos(angle) / np.cos(np.radians(view.sun_elevation)),
        world.heading,
    )
    best = np.zeros(len(points))
    owner = np.full(len(points), -1)
    face = np.zeros(len(points), dtype=np.intp)
    for index, body in enumerate(bodies):
        start, stop, exit_face = _passage(body, points, up)
        hit = (stop > start) & (stop > best)
        best[hit], owner[hit], face[hit] = stop[hit], index, exit_face[hit]
    light = _sea(world, bodies, points, waves, (up, sun, rng))
    for index, body in enumerate(bodies):
        mine = np.flatnonzero(owner == index)
        if mine.size:
            seen = points[mine] + best[mine, None] * up
            light[mine] = _solid(world, bodies, body, (seen, face[mine], patches[mine]), sun)
    return light


def _open_sea(world: World) -> Array:
    direct = SUN_SHARE * (world.volume + 0.35 * (1 - world.volume))
    rest = (1 - SUN_SHARE) * (world.volume + 0.35 * (1 - world.volume)) + 0.65 * (1 - world.volume)
    return np.asarray((direct + rest) * np.array(world.water))


def _sea(
    world: World,
    bodies: list[Body],
    points: Array,
    waves: Array,
    rays: tuple[Array, Array, np.random.Generator],
) -> Array:
    up, sun, rng = rays
    depth = rng.exponential(world.z_eff) if world.z_eff else 0.0
    shift = depth * (_refracted(sun) - _refracted(up))
    lit_volume = ~_blocked(bodies, points + np.array([shift[0], shift[1], 1e-3]), sun)
    lit_surface = ~_blocked(bodies, points + np.array([0.0, 0.0, 1e-3]), sun)
    direct = world.volume * lit_volume + 0.35 * (1 - world.volume) * lit_surface
    sky = 0.65 * (1 - world.volume)
    share = SUN_SHARE * direct + (1 - SUN_SHARE) * (world.volume + 0.35 * (1 - world.volume)) + sky
    level = share * (1 + world.waves * waves)
    return np.asarray(level[:, None] * np.array(world.water)[None, :])


def _solid(
    world: World,
    bodies: list[Body],
    body: Body,
    seen: tuple[Array, npt.NDArray[np.intp], Array],
    sun: Array,
) -> Array:
    points, face, patches = seen
    colour = np.tile(np.array(body.colour), (len(points), 1))
    top = face == 0
    if body.kind == "hull":
        colour[top] = _deck_colour(world, points[top, 0], points[top, 1], patches[top])
        if world.boot_height:
            low = ~top & (points[:, 2] < world.boot_height)
            colour[low] = np.array(world.boot)
    normals = body.normals[face] / np.linalg.norm(body.normals[face], axis=1, keepdims=True)
    facing = np.clip(normals @ sun, 0, None)
    lit = ~_blocked(bodies, points + 1e-3 * normals, sun)
    sky = np.where(top, 1.0, 0.5) * (1 - SUN_SHARE)
    return np.asarray(colour * (SUN_SHARE * facing * lit + sky)[:, None])


def detection_of(world: World, *, seed: int = 0, blur: float = 1.0) -> Detection:
    """The truth with the errors of a detector: centre, heading, length and beam off.

    One bow in ten is not told from the stern, and half of these are taken for it.
    """
    rng = np.random.default_rng(10_000 + seed)
    scale = blur * max(1.0, world.gsd)
    centre = rng.normal(0, 1.2 * scale, 2)
    heading = world.heading + rng.normal(0, 0.7 * blur)
    beam = world.beam * (1 + rng.normal(0, 0.07 * blur))
    length = world.length * (1 + rng.normal(0, 0.03 * blur))
    bow, starboard = ship_axes(heading)
    corners = [(1, 1), (1, -1), (-1, -1), (-1, 1)]
    ground = np.array([centre + a * length / 2 * bow + b * beam / 2 * starboard for a, b in corners])
    lonlat = ground_to_lonlat(ORIGIN, ground)
    luck = rng.random()
    return Detection(
        id="d1",
        outline=tuple((float(x), float(y)) for x, y in lonlat),
        centre=(float(centre[0]), float(centre[1])),
        heading=float((heading + (180 if luck < 0.05 else 0)) % 360),
        heading_sigma=1.0,
        heading_ambiguous=luck < 0.1,
        length=float(length),
        length_sigma=0.03 * world.length,
        beam=float(beam),
        beam_sigma=0.08 * world.beam,
        kind="tanker",
        tanker_probability=0.9,
        score=0.9,
    )


def draw_world(seed: int, *, gsd: float = 0.5, situation: str = "open") -> World:
    """A ship, a sea and a geometry at random, wider than any fit should assume."""
    rng = np.random.default_rng(seed)
    length = float(rng.uniform(60, 183))
    beam = length / float(rng.uniform(5.6, 7.0))
    depth = beam / float(rng.uniform(1.7, 2.3))
    freeboard = float(rng.uniform(0.12, 0.72) * depth)
    base = rng.uniform(0.05, 0.3)
    deck = tuple(float(v) for v in base * np.array(_paint(rng)))
    side = tuple(float(v) for v in rng.uniform(0.02, 0.2) * np.array(_paint(rng)))
    water = rng.uniform(0.5, 1.8) * np.array([0.05, 0.045, 0.03, 0.01]) + rng.choice([0.0, 0.02])
    pipes = tuple(
        (float(rng.uniform(-0.45, 0.45) * beam), float(rng.uniform(0.3, 1.0)), float(rng.uniform(0.4, 1.8)))
        for _ in range(rng.integers(0, 6))
    )
    world = World(
        freeboard=freeboard,
        length=length,
        beam=beam,
        heading=float(rng.uniform(0, 360)),
        view=ViewGeometry(
            incidence_angle=float(rng.uniform(2, 35)),
            azimuth=float(rng.uniform(0, 360)),
            sun_elevation=float(rng.uniform(20, 65)),
            sun_azimuth=float(rng.uniform(120, 215)),
            source="stac",
        ),
        gsd=gsd,
        turn=float(rng.uniform(-15, 15)),
        psf_px=float(rng.uniform(0.35, 0.8)),
        noise=float(rng.uniform(0.0005, 0.003)),
        trim=float(rng.normal(0, 0.004) * (1 if freeboard > 0.35 * depth else 0.3)),
        heel=float(rng.normal(0, 0.2 if rng.random() < 0.8 else 0.8)),
        water=tuple(float(v) for v in water),
        volume=float(rng.uniform(0.3, 0.9)),
        z_eff=float(rng.uniform(0.03, 0.4)),
        waves=float(rng.uniform(0.02, 0.2)),
        wave_length=float(rng.uniform(0.8, 6.0)),
        deck=deck,
        side=side,
        boot=tuple(float(v) for v in rng.uniform(0.04, 0.15) * np.array([0.5, 0.5, 1.2, 1.3])),
        boot_height=max(0.0, freeboard - float(rng.uniform(0.15, 0.4)) * depth)
        if rng.random() < 0.7
        else 0.0,
        gutter=float(rng.uniform(0.2, 0.9)) if rng.random() < 0.5 else 0.0,
        gutter_level=float(rng.uniform(0.5, 1.6)),
        pipes=pipes,
        clutter=float(rng.uniform(0.03, 0.25)),
        manifold=bool(rng.random() < 0.7),
    )
    sign = float(rng.choice([-1, 1]))
    # the rules want a coaming of 0.1 m or more round a tanker's cargo deck, and few go without
    other = np.random.default_rng((seed, 1))
    if other.random() < 0.9:
        world = replace(world, bar=(float(other.uniform(0.1, 0.3)), float(other.uniform(0.0, 0.5))))
    if situation == "jetty":
        return replace(world, jetty=sign * float(rng.uniform(1.5, 6.0)))
    if situation == "tug":
        return replace(world, tug=float(rng.uniform(-0.2, 0.2) * length))
    if situation == "neighbour":
        return replace(world, neighbour=sign * float(rng.uniform(2.0, 5.0)))
    return world


def _paint(rng: np.random.Generator) -> tuple[float, ...]:
    paints = [(0.4, 0.45, 1.2, 1.3), (0.6, 1.0, 0.7, 1.1), (1.0, 1.0, 1.0, 1.0), (0.9, 0.8, 0.6, 0.7)]
    return paints[int(rng.integers(len(paints)))]
