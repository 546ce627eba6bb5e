"""Scenes drawn from closed forms to look at and to test the pictures with: no physics is tested here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Chip, Flag, Grid, Identity, InputFile, Site, SiteFeature, ViewGeometry
from pipeline.errors import Refused
from pipeline.geometry import ground_to_lonlat, pixel_to_ground, shift_per_metre, ship_axes
from pipeline.products import (
    Barrels,
    BerthState,
    BudgetTerm,
    CapYear,
    CloudResult,
    Coverage,
    CrossingProbability,
    Designated,
    DetectionResult,
    Fill,
    GeometryResult,
    MonthCoverage,
    Period,
    Product,
    Quantiles,
    SceneResult,
    Software,
    Visit,
    VisitBarrels,
    VisitCounts,
    VisitsDocument,
    VolumeDocument,
)
from pipeline.readings import Cue, Curve, Estimate, Freeboard, Load, MarkedLine, Profile, ProfilePart

ORIGIN = (133.05, 42.74)
VIEW = ViewGeometry(incidence_angle=22.0, azimuth=285.0, sun_elevation=38.0, sun_azimuth=158.0, source="stac")
COLOURS = {  # blue, green, red, near infrared
    "water": (0.055, 0.045, 0.03, 0.012),
    "shadow": (0.032, 0.026, 0.018, 0.008),
    "deck": (0.10, 0.10, 0.20, 0.21),
    "side": (0.03, 0.03, 0.045, 0.04),
    "house": (0.42, 0.43, 0.44, 0.45),
    "quay": (0.23, 0.24, 0.25, 0.27),
}
BANDS = ("blue", "green", "red", "nir")
START = datetime(2026, 9, 28, 2, 14, 9, tzinfo=UTC)


def square_grid(shape: tuple[int, int], gsd: float, *, turn: float = 0.0) -> Grid:
    """Square pixels about the origin, rows turned clockwise by `turn` degrees."""
    t = np.radians(turn)
    a, d = gsd * np.cos(t), -gsd * np.sin(t)
    b, e = -gsd * np.sin(t), -gsd * np.cos(t)
    rows, cols = shape
    c, f = -(a * cols + b * rows) / 2, -(d * cols + e * rows) / 2
    return Grid(
        shape=shape,
        to_ground=(float(a), float(b), float(c), float(d), float(e), float(f)),
        origin=ORIGIN,
    )


def ground_of(grid: Grid) -> npt.NDArray[np.float64]:
    rows, cols = grid.shape
    row, col = np.mgrid[0:rows, 0:cols]
    return pixel_to_ground(grid, np.stack([col + 0.5, row + 0.5], axis=-1))


def hull(length: float, beam: float) -> npt.NDArray[np.float64]:
    """(n, 2) (ahead, starboard) of a plan with a pointed bow [m]."""
    half, t = length / 2, np.linspace(0, 1, 12)
    bow = np.stack([half - 0.2 * length * (1 - t), beam / 2 * np.sqrt(1 - t**2)], axis=-1)
    starboard = np.vstack([[-half, 0.42 * beam], [-half + 0.06 * length, beam / 2], bow])
    port = starboard[::-1] * [1, -1]
    return np.vstack([starboard, port])


def in_plan(
    ahead: npt.NDArray[np.float64], starboard: npt.NDArray[np.float64], size: tuple[float, float]
) -> npt.NDArray[np.bool_]:
    length, beam = size
    half = length / 2
    t = np.clip((ahead - (half - 0.2 * length)) / (0.2 * length), 0, 1)
    taper = np.where(ahead < -half + 0.06 * length, 0.92, np.sqrt(1 - t**2))
    inside: npt.NDArray[np.bool_] = (np.abs(ahead) < half) & (np.abs(starboard) < beam / 2 * taper)
    return inside


def draw_ship(
    pixels: npt.NDArray[np.float32],
    ground: npt.NDArray[np.float64],
    place: tuple[float, float],
    heading: float,
    size: tuple[float, float],
    height: float,
) -> None:
    """Paint shadow, side, deck and house of a ship into `pixels`."""
    bow, starboard = ship_axes(heading)
    local = ground - np.asarray(place)
    ahead, across = local @ bow, local @ starboard
    S, V = shift_per_metre(VIEW, heading)

    def paint(where: npt.NDArray[np.bool_], colour: str) -> None:
        for band, value in enumerate(COLOURS[colour]):
            pixels[band][where] = value

    for h in np.linspace(0, height, 10):
        paint(in_plan(ahead, across + h * S, size), "shadow")
    for h in np.linspace(0, height, 10):
        paint(in_plan(ahead, across + h * V, size), "side")
    paint(in_plan(ahead, across + height * V, size), "deck")
    pipe = (np.abs(across + height * V) < 0.7) & (np.abs(ahead) < 0.36 * size[0])
    paint(pipe, "house")
    aft = (np.abs(ahead + 0.38 * size[0]) < 0.06 * size[0]) & (
        np.abs(across + (height + 9) * V) < 0.4 * size[1]
    )
    paint(aft, "house")


def make_chip(
    shape: tuple[int, int] = (700, 700),
    gsd: float = 0.5,
    *,
    ships: tuple[tuple[tuple[float, float], float, tuple[float, float], float], ...] = (
        ((0.0, 0.0), 34.0, (121.0, 18.0), 4.2),
    ),
    turn: float = 0.0,
    quay: bool = False,
    bands: tuple[str, ...] = BANDS,
    calibrated: bool = True,
) -> Chip:
    grid = square_grid(shape, gsd, turn=turn)
    ground = ground_of(grid)
    rng = np.random.default_rng(7)
    pixels = np.empty((4, *shape), np.float32)
    wave = 0.004 * np.sin(ground[..., 0] / 7 + ground[..., 1] / 11) + rng.normal(0, 0.002, shape)
    for band, value in enumerate(COLOURS["water"]):
        pixels[band] = value * (1 + 8 * wave)
    if quay:
        for band, value in enumerate(COLOURS["quay"]):
            pixels[band][ground[..., 0] < -0.3 * shape[1] * gsd] = value
    for place, heading, size, height in ships:
        draw_ship(pixels, ground, place, heading, size, height)
    for plane in pixels:
        plane[:] = cv2.GaussianBlur(plane, (0, 0), 0.8)
    pixels += rng.normal(0, 0.003, pixels.shape).astype(np.float32)
    chosen = [BANDS.index(b) if b in BANDS else 2 for b in bands]
    return Chip(
        pixels=np.ascontiguousarray(np.clip(pixels[chosen], 0, 1)),
        valid=np.ones(shape, bool),
        bands=bands,
        grid=grid,
        calibrated=calibrated,
    )


def make_freeboard(
    chip: Chip, place: tuple[float, float], heading: float, size: tuple[float, float], height: float
) -> Freeboard:
    """The reading one would hope for, with lines and profile from the closed forms."""
    length, beam = size
    S, V = shift_per_metre(VIEW, heading)
    bow, starboard = ship_axes(heading)

    def along(name: str, u: float) -> MarkedLine:
        ends = np.asarray(place) + np.outer([-0.3 * length, 0.22 * length], bow) + u * starboard
        lonlat = ground_to_lonlat(chip.grid.origin, ends)
        return MarkedLine(name=name, points=tuple((float(p[0]), float(p[1])) for p in lonlat))  # type: ignore[arg-type]

    away = -np.sign(S)
    u = np.arange(-1.6 * beam, 1.6 * beam, chip.grid.gsd / 2)
    deck = (-beam / 2 - height * V, beam / 2 - height * V)
    tip = away * beam / 2 - height * S
    near, far = sorted((tip, away * beam / 2))
    level = np.full(u.shape, COLOURS["water"][2])
    level[(u > near) & (u < far)] = COLOURS["shadow"][2]
    side = sorted((beam / 2 * -np.sign(V), deck[0 if V > 0 else 1]))
    level[(u > -beam / 2) & (u < beam / 2)] = COLOURS["side"][2]
    level[(u > deck[0]) & (u < deck[1])] = COLOURS["deck"][2]
    kernel = np.exp(-0.5 * (np.arange(-8, 9) / 2.2) ** 2)
    fitted = np.convolve(np.pad(level, 8, mode="edge"), kernel / kernel.sum(), mode="valid")
    rng = np.random.default_rng(3)
    observed = fitted + rng.normal(0, 0.004, u.shape) + 0.05 * np.exp(-0.5 * ((u + height * V) / 0.8) ** 2)
    edges = sorted({float(u[0]), near, far, -beam / 2, beam / 2, *deck, float(u[-1])})
    parts = []
    for a, b in pairwise(edges):
        middle = (a + b) / 2
        if deck[0] < middle < deck[1]:
            name = "deck"
        elif abs(middle) < beam / 2:
            name = "lit-side" if side[0] < middle < side[1] and S * V > 0 else "shaded-side"
        elif near < middle < far:
            name = "shadow"
        else:
            name = "water"
        parts.append(ProfilePart(name=name, start=a, stop=b))
    grid = np.arange(0, 10.001, 0.05)
    sigma = 0.17
    curve = np.maximum(-0.5 * ((grid - height) / sigma) ** 2, -60.0)
    return Freeboard(
        value=height + 0.02,
        sigma=sigma,
        interval90=(height - 0.27, height + 0.31),
        cues=(
            Cue(cue="shadow", value=height - 0.05, sigma=0.21),
            Cue(cue="shaded-side", value=height + 0.1, sigma=0.33),
        ),
        information=3.4,
        curve=Curve(start=0.0, step=0.05, log_likelihood=tuple(float(v) for v in curve - curve.max())),
        expected_sigma=0.15,
        profile=Profile(
            band="red",
            u=tuple(float(v) for v in u),
            observed=tuple(float(v) for v in observed),
            fitted=tuple(float(v) for v in fitted),
            parts=tuple(parts),
        ),
        lines=(
            along("waterline", -np.sign(V) * beam / 2),
            along("deck-edge", deck[0]),
            along("deck-edge", deck[1]),
            along("shadow-tip", tip),
        ),
        azimuth_check="agrees",
    )


def make_detection(
    chip: Chip,
    name: str,
    ship: tuple[tuple[float, float], float, tuple[float, float], float],
    *,
    measured: bool = True,
    kind: str = "tanker",
    berth: str | None = None,
    score: float = 0.93,
) -> DetectionResult:
    place, heading, size, height = ship
    bow, starboard = ship_axes(heading)
    plan = hull(*size)
    ring = np.asarray(place) + plan[:, :1] * bow + plan[:, 1:] * starboard
    lonlat = ground_to_lonlat(chip.grid.origin, np.vstack([ring, ring[:1]]))
    return DetectionResult(
        id=name,
        outline={"type": "Polygon", "coordinates": [[[float(p[0]), float(p[1])] for p in lonlat]]},
        kind=kind,  # type: ignore[arg-type]
        tanker_probability=0.92 if kind == "tanker" else 0.11,
        score=score,
        heading=heading,
        heading_ambiguous=not measured,
        length=size[0],
        length_sigma=2.6,
        beam=size[1],
        beam_sigma=0.7,
        berth_id=berth,
        identity=(
            Identity(imo=9000001, name="EXAMPLE ONE", probability=0.61),
            Identity(imo=9000002, name="EXAMPLE <TWO> & CO", probability=0.22),
            Identity(imo=None, name=None, probability=0.17),
        ),
        freeboard=make_freeboard(chip, place, heading, size, height) if measured else None,
        not_measurable=None
        if measured
        else Refused(
            code="gsd-too-coarse",
            message=f"pixels of {chip.grid.gsd:.1f} m; a freeboard of a few metres needs 3.5 m or finer, "
            "better 0.8 m: task a finer image",
        ),
        draught=Estimate(value=6.92, sigma=0.2, interval90=(6.58, 7.25)) if measured else None,
        load=Load(
            fraction=0.87,
            sigma=0.05,
            interval90=(0.78, 0.95),
            deadweight_on_board=5350.0,
            cargo=4890.0,
            cargo_sigma=262.0,
            budget=(("deck edge", 170.0), ("load line", 150.0), ("freeboard", 120.0)),
        )
        if measured
        else None,
        flags=() if measured else ("wake",),
    )


def make_site(chip: Chip) -> Site:
    def polygon(*corners: tuple[float, float]) -> tuple[tuple[float, float], ...]:
        lonlat = ground_to_lonlat(chip.grid.origin, np.asarray(corners, float))
        return tuple((float(p[0]), float(p[1])) for p in lonlat)

    rows, cols = chip.grid.shape
    w, h = cols * chip.grid.gsd, rows * chip.grid.gsd
    return Site(
        id="example",
        name="Example Terminal",
        timezone="Asia/Vladivostok",
        features=(
            SiteFeature(
                id="b1",
                role="berth",
                name="Berth 1",
                outline=polygon((-70, -70), (70, -70), (70, 70), (-70, 70)),
            ),
            SiteFeature(
                id="b2",
                role="berth",
                name="Berth 2",
                verified=False,
                outline=polygon(
                    (-0.28 * w, 0.32 * h), (-0.1 * w, 0.32 * h), (-0.1 * w, 0.4 * h), (-0.28 * w, 0.4 * h)
                ),
            ),
        ),
    )


def make_result(
    chip: Chip,
    detections: tuple[DetectionResult, ...],
    *,
    scene_id: str = "SIM_20260928T021409_050",
    simulated: bool = True,
    geometry: bool = True,
    dated: bool = True,
    when: datetime = START,
    berths: tuple[BerthState, ...] | None = None,
) -> SceneResult:
    if berths is None:
        held = tuple(d.id for d in detections if d.berth_id == "b1")
        berths = (
            BerthState(
                id="b1", state="occupied" if held else "clear-empty", clear_fraction=0.98, detection_ids=held
            ),
            BerthState(id="b2", state="obscured", clear_fraction=0.31, verified=False),
        )
    return SceneResult(
        schema_version="1",
        scene_id=scene_id,
        datetime=when if dated else None,
        platform="simulated 0.5 m" if simulated else None,
        gsd=chip.grid.gsd,
        crs="EPSG:32653",
        inputs=(InputFile(path="scene.tif", sha256="9f2c8a71d0e4" + "0" * 52, bytes=123456),),
        software=Software(
            version="0.1.0", models={"fleet": "ab" * 32, "site": "cd" * 32}, config_sha256="12" * 32
        ),
        status="ok",
        reason=None,
        geometry=GeometryResult(
            incidence_angle=VIEW.incidence_angle,
            azimuth=VIEW.azimuth,
            sun_elevation=VIEW.sun_elevation,
            sun_azimuth=VIEW.sun_azimuth,
            source="stac",
            azimuth_check="agrees",
        )
        if geometry
        else None,
        cloud=CloudResult(method="spectral", cloud_fraction=0.12, shadow_fraction=0.05, nodata_fraction=0.0),
        berths=berths,
        detections=detections,
        flags=(Flag(code="berth-unverified", message="berth b2 is a candidate that nobody has confirmed"),),
        site="example",
        simulated=simulated,
    )


def make_season() -> tuple[
    VisitsDocument, VolumeDocument, list[SceneResult], dict[str, npt.NDArray[np.uint8]]
]:
    """Five weeks: three visits measured, one imputed, a hidden week, a refused scene; crops in RGB."""
    from pipeline.render import render_crop

    ship = ((0.0, 0.0), 34.0, (121.0, 18.0), 2.1)
    chip = make_chip((360, 360), 0.5, ships=(ship,))
    empty = make_chip((360, 360), 0.5, ships=())
    days = {
        0: "d1",
        2: "d1",
        5: "",
        8: "d1",
        10: "",
        14: "cloud",
        15: "cloud",
        16: "cloud",
        18: "cloud",
        20: "d1",
        22: "d1",
        25: "",
        30: "seen",
        33: "",
    }
    results, pictures = [], {}
    for day, what in days.items():
        scene_id, when = f"SIM_{day:02d}", START + timedelta(days=day)
        if what in {"d1", "seen"}:
            ships = (make_detection(chip, "d1", ship, berth="b1", measured=what == "d1"),)
            result = make_result(chip, ships, scene_id=scene_id, when=when)
            pictures[f"{scene_id}/d1"] = render_crop(chip, result, ships[0], shape=(240, 720))
        else:
            state = BerthState(
                id="b1", state="obscured" if what else "clear-empty", clear_fraction=0.1 if what else 0.97
            )
            result = make_result(empty, (), scene_id=scene_id, when=when, berths=(state,))
        results.append(result)
    results.append(refused_result())
    return make_visits(), make_volume(), results, pictures


def refused_result() -> SceneResult:
    return SceneResult(
        schema_version="1",
        scene_id="SIM_broken",
        datetime=START + timedelta(days=27),
        platform=None,
        gsd=None,
        crs=None,
        inputs=(InputFile(path="broken.tif", sha256="77" * 32, bytes=4096),),
        software=Software(version="0.1.0", models={}, config_sha256="12" * 32),
        status="refused",
        reason=Refused(
            code="truncated",
            message="scene.tif ends after 4,096 bytes, its header promises 61,440,000: download it again",
        ),
        simulated=True,
    )


def make_visits() -> VisitsDocument:
    identity = (
        Identity(imo=9000001, name="EXAMPLE ONE", probability=0.61),
        Identity(imo=9000002, name="<script>alert(1)</script>", probability=0.22),
        Identity(imo=None, name=None, probability=0.17),
    )

    def visit(number: int, first: float, last: float, evidence: str) -> Visit:
        measured = evidence in {"pair", "single-laden"}
        start, end = START + timedelta(days=first), START + timedelta(days=last)
        scenes = tuple(f"SIM_{d:02d}" for d in (0, 2, 8, 20, 22, 30) if first <= d <= last)
        return Visit(
            visit_id=f"V-{start:%Y-%m-%d}-b1",
            site="example",
            berth_id="b1",
            identity=identity,
            arrival_window=(start - timedelta(days=1.5), start),
            departure_window=(end, end + timedelta(days=2) if number < 4 else None),
            scene_ids=scenes,
            evidence=evidence,  # type: ignore[arg-type]
            arrival=Fill(fraction=0.04, interval90=(0.0, 0.11)) if evidence == "pair" else None,
            departure=Fill(fraction=0.87, interval90=(0.78, 0.95)) if measured else None,
            cargo_loaded=Estimate(
                value=4890.0,
                sigma=262.0 if measured else 900.0,
                interval90=(4450.0, 5310.0) if measured else (3200.0, 6100.0),
            ),
            status="measured" if measured else "imputed",
            detection_ids=("d1",) * len(scenes),
        )

    return VisitsDocument(
        visits=(
            visit(1, 0, 2, "pair"),
            visit(2, 8, 8, "single-laden"),
            visit(3, 20, 22, "pair"),
            visit(4, 30, 30, "seen-only"),
        ),
        coverage=Coverage(
            usable_times=tuple(START + timedelta(days=d) for d in (0, 2, 5, 8, 10, 20, 22, 25, 30, 33)),
            by_month=(
                MonthCoverage(month="2026-09", passes=2, usable=2, days_usable=2),
                MonthCoverage(month="2026-10", passes=13, usable=8, days_usable=8),
            ),
        ),
        simulated=True,
    )


def make_volume() -> VolumeDocument:
    visits = make_visits().visits
    budget = tuple(
        BudgetTerm(term=t, sigma_barrels=s)
        for t, s in (
            ("product", 1900.0),
            ("deck edge", 1300.0),
            ("load line", 1100.0),
            ("freeboard", 900.0),
            ("consumables", 700.0),
        )
    )
    each = [
        Quantiles(p05=33_200.0, p50=36_600.0, p95=40_100.0)
        if v.status == "measured"
        else Quantiles(p05=24_000.0, p50=36_000.0, p95=46_000.0)
        for v in visits
    ]
    return VolumeDocument(
        period=Period(start=START, end=START + timedelta(days=33)),
        product=Product(name="diesel", density15=840.0, density15_sigma=6.0),
        seed=2397,
        draws=20_000,
        barrels=Barrels(
            measured=Quantiles(p05=102_000.0, p50=110_000.0, p95=118_500.0),
            imputed=Quantiles(p05=24_000.0, p50=36_000.0, p95=46_000.0),
            unseen=Quantiles(p05=0.0, p50=38_000.0, p95=151_000.0),
            baseline=Quantiles(p05=131_000.0, p50=146_000.0, p95=159_000.0),
            total=Quantiles(p05=139_000.0, p50=186_000.0, p95=298_000.0),
        ),
        visits=VisitCounts(seen=4, unseen=Quantiles(p05=0.0, p50=1.0, p95=4.0)),
        cap=(
            CapYear(
                year=2026,
                limit=500_000.0,
                baseline_crossed_on=None,
                probability_crossed_by=(CrossingProbability(date="2026-10-31", probability=0.013),),
            ),
        ),
        un_designated=Designated(visits=1.6, share=0.4),
        by_visit=tuple(
            VisitBarrels(visit_id=v.visit_id, barrels=q, budget=budget)
            for v, q in zip(visits, each, strict=True)
        ),
        simulated=True,
    )
