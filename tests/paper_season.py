"""Seasons on paper: ships of known cargo, looks with errors of known size, run through load, visits, volume.

No pixels: a look is a length, a beam and a Gaussian likelihood over freeboard, as the stages before would
hand over. The ship behind it is drawn from the same rules that the pipeline believes, with her own deck edge,
load line, waterplane, consumables and residual ballast, all kept from the pipeline.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from pipeline.config import Config
from pipeline.datatypes import Detection, Identity, Ship, Site, SiteFeature
from pipeline.errors import Refused
from pipeline.load import Hull, deadweight_at, estimate_load, summer_freeboard
from pipeline.products import (
    Appearance,
    BerthState,
    CloudResult,
    DetectionResult,
    SceneResult,
    Software,
    VisitsDocument,
    VolumeDocument,
)
from pipeline.readings import Curve, Freeboard, LoadOutcome
from pipeline.run import describe_ship, measure_season
from pipeline.visits import rank_identities

START = datetime(2024, 3, 7, 2, 0, tzinfo=UTC)
LON, LAT = 133.0, 42.7
SOFTWARE = Software(version="test", models={}, config_sha256="0" * 64)
Rng = np.random.Generator
WORKED_EXAMPLE = Ship(
    imo=9000001, name="EXAMPLE", dwt=4983.0, loa=98.4, beam=16.0, depth=7.7, summer_draught=6.2
)
"""The ship of the worked example: 93 m between perpendiculars."""


def square(lon: float, lat: float, size: float = 0.002) -> tuple[tuple[float, float], ...]:
    """Polygon about a point."""
    return (
        (lon - size, lat - size),
        (lon + size, lat - size),
        (lon + size, lat + size),
        (lon - size, lat + size),
    )


def berth_place(number: int) -> tuple[float, float]:
    """(lon, lat) of the middle of a berth."""
    return LON + 0.01 * number, LAT


def hull_outline(
    place: tuple[float, float], length: float, beam: float, heading: float = 30.0
) -> tuple[tuple[float, float], ...]:
    """Rectangle of a hull."""
    from math import cos, radians, sin

    ahead, across = (
        (sin(radians(heading)), cos(radians(heading))),
        (cos(radians(heading)), -sin(radians(heading))),
    )
    corners = []
    for along, side in ((1, 1), (1, -1), (-1, -1), (-1, 1)):
        east, north = (along * length * a + side * beam * c for a, c in zip(ahead, across, strict=True))
        corners.append((place[0] + east / 2 / 111_195 / cos(radians(LAT)), place[1] + north / 2 / 111_195))
    return tuple(corners)


ANCHORAGE = (LON, LAT + 0.03)


def make_site(berths: int = 1, *, verified: bool = True) -> Site:
    """Berths b1, b2, ... and one anchorage."""
    features = [
        SiteFeature(id=f"b{k + 1}", role="berth", outline=square(*berth_place(k)), verified=verified)
        for k in range(berths)
    ]
    anchorage = SiteFeature(id="roads", role="anchorage", outline=square(*ANCHORAGE, 0.008))
    return Site(id="paper", name="Paper terminal", features=(*features, anchorage), simulated=True)


def make_curve(value: float, sigma: float, *, top: float = 12.0) -> Curve:
    """Gaussian likelihood, 0 to `top` by 0.05 m."""
    grid = np.arange(0.0, top + 0.025, 0.05)
    log_likelihood = np.maximum(-0.5 * ((grid - value) / sigma) ** 2, -60.0)
    log_likelihood -= log_likelihood.max()
    return Curve(start=0.0, step=0.05, log_likelihood=tuple(float(v) for v in log_likelihood))


def make_freeboard(value: float, sigma: float) -> Freeboard:
    """A measurement without pictures."""
    return Freeboard(
        value=value,
        sigma=sigma,
        interval90=(value - 1.645 * sigma, value + 1.645 * sigma),
        cues=(),
        information=3.0,
        curve=make_curve(value, sigma),
        expected_sigma=sigma,
    )


def make_detection(
    length: float = 98.4,
    beam: float = 16.0,
    *,
    sigmas: tuple[float, float] = (1.0, 0.4),
    tanker: float = 0.9,
    place: tuple[float, float] = (LON, LAT),
    name: str = "d1",
) -> Detection:
    """A ship as a detector gives it."""
    return Detection(
        id=name,
        outline=hull_outline(place, length, beam),
        centre=(0.0, 0.0),
        heading=30.0,
        heading_sigma=1.0,
        heading_ambiguous=False,
        length=length,
        length_sigma=sigmas[0],
        beam=beam,
        beam_sigma=sigmas[1],
        kind="tanker" if tanker > 0.6 else ("other" if tanker < 0.3 else "unknown"),
        tanker_probability=tanker,
        score=0.9,
    )


def one_load(
    freeboard: float, sigma: float, ship: Ship = WORKED_EXAMPLE, *, config: Config | None = None
) -> LoadOutcome:
    """The load of a ship whose row in the register is certain."""
    identity = (Identity(imo=ship.imo, name=ship.name, probability=1.0),)
    settings = (config or Config()).load
    return estimate_load(
        make_detection(),
        make_freeboard(freeboard, sigma),
        identity,
        (ship,),
        water_density=1025.0,
        config=settings,
    )


def make_ship(
    detection: Detection,
    freeboard: tuple[float, float] | None,
    berth_id: str | None,
    fleet: Sequence[Ship],
    config: Config,
) -> DetectionResult:
    """What the stages before visits would write of one ship; freeboard as (value, sigma) [m]."""
    identity = rank_identities(detection, fleet, config=config.visits)
    outcome = LoadOutcome(draught=None, load=None, load_not_known=None)
    measured = None if freeboard is None else make_freeboard(*freeboard)
    if measured is not None:
        outcome = estimate_load(
            detection, measured, identity, fleet, water_density=1024.0, config=config.load
        )
    coarse = Refused(code="gsd-too-coarse", message="too coarse")
    return describe_ship(detection, berth_id, identity, measured or coarse, outcome)


def make_scene(
    day: float,
    states: dict[str, str],
    ships: Sequence[DetectionResult] = (),
    *,
    gsd: float = 0.5,
    name: str | None = None,
    cloud: float = 0.0,
) -> SceneResult:
    """One look, `day` days after the start; berth states by id."""
    when = START + timedelta(days=day)
    clear = {"occupied": 1.0, "clear-empty": 1.0, "obscured": 0.1, "not-imaged": 0.0}
    berths = tuple(
        BerthState(
            id=berth,
            state=state,  # type: ignore[arg-type]
            clear_fraction=clear[state],
            detection_ids=tuple(s.id for s in ships if s.berth_id == berth),
        )
        for berth, state in sorted(states.items())
    )
    return SceneResult(
        schema_version="1",
        scene_id=name or f"scene-{day:08.3f}",
        datetime=when,
        platform="paper",
        gsd=gsd,
        crs="EPSG:32653",
        inputs=(),
        software=SOFTWARE,
        status="ok",
        reason=None,
        cloud=CloudResult(method="spectral", cloud_fraction=cloud, shadow_fraction=0.0, nodata_fraction=0.0),
        berths=berths,
        detections=tuple(ships),
        site="paper",
        simulated=True,
    )


# ------------------------------------------------------------------------------------- seasons of truth


DECK_COLOURS, COMMON_PLAN, OWN_PLAN, LOOK_PLAN = 0.14, 0.57, 0.61, 0.55
"""Spreads: of deck colours; of what decks have in common, of what is a ship's own, of what is a look's."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrueShip:
    """What the pipeline may know of a ship, and what she is."""

    listed: Ship
    hull: Hull
    edge: float
    """Measured less true freeboard [m]."""
    registered: bool = True
    deck: npt.NDArray[np.float64]
    """(colours,) of her deck, as `Appearance.deck`."""
    level: float
    plan: npt.NDArray[np.float64]
    """(cells,) of her deck, as `Appearance.plan`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueVisit:
    """A call as it happened; times in days."""

    ship: int
    berth: int
    arrival: float
    berthed: float
    unberthed: float
    departure: float
    """From the berth, or from the anchorage where she lay a while once loaded."""
    cargo: float
    """[t]"""
    fill: float
    ballast: float
    """All on board at arrival [t]."""
    consumables: float
    residual: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PaperSeason:
    """Truth and what the pipeline was given."""

    ships: tuple[TrueShip, ...]
    visits: tuple[TrueVisit, ...]
    results: tuple[SceneResult, ...]
    site: Site
    seen: tuple[bool, ...]
    """For each visit, whether a clear look fell into it."""
    sources: dict[tuple[str, str], int]
    """Which visit each detection, by scene and id, is of."""

    @property
    def fleet(self) -> tuple[Ship, ...]:
        """The register."""
        return tuple(s.listed for s in self.ships if s.registered)

    def run(self, config: Config) -> tuple[VisitsDocument, VolumeDocument]:
        """Visits and barrels."""
        return measure_season(self.results, self.site, self.fleet, config)

    def matches(self, found: VisitsDocument) -> tuple[int | None, ...]:
        """For each found visit the true one that most of its sightings show; None where that one is taken.

        The rest of a visit that was cut in two is an invented visit; a visit that was swallowed by another
        is a missed one.
        """
        taken: set[int] = set()
        matched: list[int | None] = []
        for visit in found.visits:
            pairs = zip(visit.scene_ids, visit.detection_ids, strict=True)
            votes = Counter(self.sources[pair] for pair in pairs)
            best = min(votes, key=lambda k: (-votes[k], k))
            matched.append(None if best in taken else best)
            taken.add(best)
        return tuple(matched)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How a season comes about."""

    days: int = 60
    berths: int = 2
    ships: int = 10
    per_day: float = 0.25
    cloud: float = 0.4
    persistence: float = 0.3
    overcast: tuple[float, float] = (0.0, 0.0)
    """Days that are cloudy throughout: from, until."""
    coarse: float = 0.4
    """Share of passes at 3 m, where no freeboard is measured [1]."""
    image_sigma: float = 0.12
    fills: tuple[float, float] = (0.80, 0.95)
    known: bool = True
    """False: the register has no depth and no summer draught."""
    waits: float = 0.5
    """Mean time at anchor [days]."""
    stay: tuple[float, float] = (1.6, 0.45)
    """Of the lognormal stays alongside: median [days], spread of the logarithm."""
    stays_between: tuple[float, float] | None = None
    """Evenly spread stays instead [days]."""
    lengths: tuple[float, float] = (62.0, 112.0)
    """Of the ships, between perpendiculars [m]."""
    unlisted: float = 0.0
    """Share of the ships that are in no register [1]."""
    part_loads: float = 0.0
    """Share of the visits that leave with 30 to 70 % [1]."""
    afterwards: float = 0.0
    """Share of the visits that go to the anchorage for half a day once loaded [1]."""
    misread: float = 0.0
    """Share of the freeboards that are off by some metres, with the sigma of the others [1]."""


def draw_true_ship(rng: Rng, number: int, world: World) -> TrueShip:
    """A small product tanker."""
    lbp = float(rng.uniform(*world.lengths))
    beam = lbp / float(rng.uniform(5.6, 6.2))
    depth = 0.49 * beam * float(np.exp(rng.normal(0, 0.05)))
    block = 0.745 + float(rng.normal(0, 0.015))
    least = float(summer_freeboard(lbp, depth, block))
    draught = depth - least - abs(float(rng.normal(0, 0.15)))
    displaced = 1.025 * 1.005 * lbp * beam * block * draught
    paint = rng.spawn(1)[0]
    dwt = displaced * float(np.clip(0.70 + rng.normal(0, 0.02), 0.6, 0.8))
    hull = Hull(
        length=np.array(lbp),
        beam=np.array(beam),
        depth=np.array(depth),
        summer_draught=np.array(draught),
        block=np.array(block),
        dwt=np.array(dwt),
        waterplane=np.array(1 + rng.normal(0, 0.02)),
    )
    listed = Ship(
        imo=9100000 + number,
        name=f"SHIP {number}",
        ship_type="oil products tanker",
        dwt=round(dwt),
        loa=round(lbp / 0.945, 1),
        beam=round(beam, 1),
        depth=round(depth, 2) if world.known else None,
        summer_draught=round(draught, 2) if world.known else None,
    )
    return TrueShip(
        listed=listed,
        hull=hull,
        edge=float(rng.normal(0, 0.12)),
        registered=world.unlisted <= 0 or rng.random() >= world.unlisted,
        deck=draw_deck(paint),
        level=float(paint.normal(-2.0, 0.3)),
        plan=paint.normal(0, 1, len(USUAL_PLAN)),
    )


USUAL_PLAN = np.random.default_rng(24).normal(0, 1, 72)
"""What all tankers have in common."""


def draw_deck(rng: Rng) -> npt.NDArray[np.float64]:
    """Red, green, grey or dark: logarithms of blue, green, red and near infrared over their mean."""
    colour = rng.normal(0, DECK_COLOURS, 4)
    return np.asarray(colour - colour.mean())


def look_at_deck(rng: Rng, ship: TrueShip, gsd: float) -> Appearance:
    """What an image shows of a deck: blurred where it is coarse, and lit another way each time."""
    colour = ship.deck + rng.normal(0, 0.07 if gsd < 1 else 0.085, 4)
    blur = LOOK_PLAN * float(np.exp(rng.normal(0, 0.4)))
    plan = COMMON_PLAN * USUAL_PLAN + OWN_PLAN * ship.plan + rng.normal(0, blur, len(USUAL_PLAN))
    plan = (plan - plan.mean()) / plan.std()
    return Appearance(
        bands=("blue", "green", "red", "nir"),
        deck=tuple(float(v) for v in colour - colour.mean()),
        level=ship.level + float(rng.normal(0, 0.1)),
        contrast=0.4 * float(np.exp(rng.normal(0, 0.3))),
        house=0.9,
        plan=tuple(float(v) for v in plan),
        gsd=gsd,
    )


def freeboard_of(ship: TrueShip, on_board: float) -> float:
    """True freeboard that carries so much, by bisection [m]."""
    low, high = 0.0, float(ship.hull.depth) - 0.3
    for _ in range(50):
        middle = (low + high) / 2
        if float(deadweight_at(ship.hull, ship.hull.depth - middle, 1024.0)) > on_board:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def draw_calls(rng: Rng, ships: Sequence[TrueShip], world: World) -> tuple[TrueVisit, ...]:
    """Poisson arrivals while a ship is free, berths taken one after the other, lognormal stays."""
    free = [0.0] * world.berths
    back = [0.0] * len(ships)
    calls: list[TrueVisit] = []
    time = 0.0
    while True:
        time += float(rng.exponential(1 / world.per_day))
        ready = [k for k, t in enumerate(back) if t <= time]
        if time >= world.days:
            break
        if not ready:
            continue
        ship = ready[int(rng.integers(len(ready)))]
        berth = int(np.argmin(free))
        wait = float(rng.exponential(world.waits)) if world.waits > 0 else 0.0
        berthed = max(time + wait, free[berth] + 0.1)
        departure = berthed + draw_stay(rng, world)
        free[berth], back[ship] = departure, departure + 6.0
        calls.append(_load_her(rng, ships[ship], ship, (berth, time, berthed, departure), world))
    return tuple(calls)


def draw_stay(rng: Rng, world: World) -> float:
    """[days]"""
    if world.stays_between is not None:
        return float(rng.uniform(*world.stays_between))
    return float(np.exp(rng.normal(np.log(world.stay[0]), world.stay[1])))


def _load_her(
    rng: Rng, true: TrueShip, ship: int, when: tuple[int, float, float, float], world: World
) -> TrueVisit:
    dwt = float(true.hull.dwt)
    part = world.part_loads > 0 and rng.random() < world.part_loads
    fill = float(rng.uniform(0.3, 0.7) if part else rng.uniform(*world.fills))
    lingers = 0.5 if world.afterwards > 0 and rng.random() < world.afterwards else 0.0
    lbp = float(true.hull.length)
    empty = (0.200 + 0.032 * lbp + 1.550 + 0.023 * lbp) / 2 + float(rng.normal(0, 0.25))
    return TrueVisit(
        ship=ship,
        berth=when[0],
        arrival=when[1],
        berthed=when[2],
        unberthed=when[3],
        departure=when[3] + lingers,
        cargo=fill * 0.94 * dwt,
        fill=fill,
        ballast=float(deadweight_at(true.hull, empty, 1024.0)),
        consumables=dwt * float(np.clip(rng.normal(0.06, 0.02), 0.01, 0.12)),
        residual=dwt * 0.006 * 2 ** float(rng.normal()),
    )


def on_board_at(visit: TrueVisit, time: float) -> float:
    """Deadweight on board: ballast out and cargo in, between 15 and 75 % of the time alongside [t]."""
    done = (time - visit.berthed) / (visit.unberthed - visit.berthed)
    share = float(np.clip((done - 0.15) / 0.60, 0, 1))
    full = visit.cargo + visit.consumables + visit.residual
    return (1 - share) * visit.ballast + share * full


def draw_season(rng: Rng, world: World, config: Config) -> PaperSeason:
    """A season and its looks."""
    ships = tuple(draw_true_ship(rng, k, world) for k in range(world.ships))
    visits = draw_calls(rng, ships, world)
    site = make_site(world.berths)
    fleet = tuple(s.listed for s in ships if s.registered)
    results: list[SceneResult] = []
    seen = [False] * len(visits)
    sources: dict[tuple[str, str], int] = {}
    cloudy = bool(rng.random() < world.cloud)
    for day in range(world.days + 3):
        cloudy = bool(rng.random() < world.cloud + world.persistence * (cloudy - world.cloud))
        cloudy = cloudy or world.overcast[0] <= day < world.overcast[1]
        time = day + float(rng.normal(0.1, 0.02))
        gsd = 3.0 if rng.random() < world.coarse else 0.5
        here = [k for k, v in enumerate(visits) if v.arrival <= time <= v.departure]
        if not cloudy:
            for k in here:
                seen[k] = True
        look = _look(rng, [visits[k] for k in here], ships, (time, gsd, cloudy), world, config, fleet)
        sources |= {(look.scene_id, d.id): k for d, k in zip(look.detections, here, strict=not cloudy)}
        results.append(look)
    return PaperSeason(
        ships=ships, visits=visits, results=tuple(results), site=site, seen=tuple(seen), sources=sources
    )


def _look(
    rng: Rng,
    here: Sequence[TrueVisit],
    ships: Sequence[TrueShip],
    when: tuple[float, float, bool],
    world: World,
    config: Config,
    fleet: Sequence[Ship],
) -> SceneResult:
    time, gsd, cloudy = when
    states = dict.fromkeys([f"b{k + 1}" for k in range(world.berths)], "clear-empty")
    if cloudy:
        return make_scene(time, dict.fromkeys(states, "obscured"), gsd=gsd, cloud=1.0)
    found: list[DetectionResult] = []
    for number, visit in enumerate(here):
        ship = ships[visit.ship]
        alongside = visit.berthed <= time <= visit.unberthed
        berth = f"b{visit.berth + 1}" if alongside else None
        if berth is not None:
            states[berth] = "occupied"
        sigmas = (1.2, 0.4) if gsd < 1 else (3.0, 1.3)
        place = berth_place(visit.berth) if alongside else ANCHORAGE
        shift = rng.normal(0, 3e-5, 2) if alongside else rng.normal(0, 2e-3, 2)
        detection = make_detection(
            float(ship.listed.loa or 90) + float(rng.normal(0, sigmas[0])),
            float(ship.listed.beam or 15) + float(rng.normal(0, sigmas[1])),
            sigmas=sigmas,
            place=(place[0] + float(shift[0]), place[1] + float(shift[1])),
            name=f"d{number + 1}",
        )
        freeboard = None
        if gsd < 1:
            true = freeboard_of(ship, on_board_at(visit, time)) + ship.edge
            if world.misread > 0 and rng.random() < world.misread:
                true += float(rng.standard_t(2))
            freeboard = (max(true + float(rng.normal(0, world.image_sigma)), 0.05), world.image_sigma)
        seen = make_ship(detection, freeboard, berth, fleet, config)
        paint = np.random.default_rng((visit.ship, round(1e4 * time)))
        found.append(replace(seen, appearance=look_at_deck(paint, ship, gsd)))
    return make_scene(time, states, found, gsd=gsd)


def quick(config: Config, *, draws: int = 1500, volume_draws: int = 4000) -> Config:
    """The same settings with fewer draws."""
    return replace(
        config,
        load=replace(config.load, draws=draws),
        volume=replace(config.volume, draws=volume_draws),
    )


def cargo_of(visits: Sequence[TrueVisit], chosen: npt.NDArray[np.bool_] | None = None) -> float:
    """[t]"""
    keep = np.ones(len(visits), bool) if chosen is None else chosen
    return float(sum(v.cargo for v, k in zip(visits, keep, strict=True) if k))
