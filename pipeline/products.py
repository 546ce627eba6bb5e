"""The documents that leave the program: result.json, visits.json, volume.json, as the contract has them.

The JSON Schemas are generated from these records.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pipeline.datatypes import (
    BerthOutcome,
    Flag,
    Identity,
    InputFile,
    Interval,
    Polygon,
    ShipKind,
    SignedIdentity,
)
from pipeline.errors import Refused
from pipeline.readings import AzimuthCheck, Estimate, Freeboard, Load

Time = datetime
"""Aware UTC; under this name in records that have a field called datetime."""

# ------------------------------------------------------------------------------ one scene: result.json


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """What made a result."""

    version: str
    models: dict[str, str]
    """Name to sha256 of every file of beliefs that was used: site, fleet, learned models."""
    config_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GeometryResult:
    """The geometry that was used, and whether the image agrees with it."""

    incidence_angle: float
    azimuth: float
    sun_elevation: float
    sun_azimuth: float
    source: str
    azimuth_check: AzimuthCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudResult:
    """Shares of the area of interest, 0..1."""

    method: str
    cloud_fraction: float
    shadow_fraction: float
    nodata_fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BerthState:
    """One of the four outcomes."""

    id: str
    state: BerthOutcome
    clear_fraction: float
    detection_ids: tuple[str, ...] = ()
    verified: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """How a ship looks from above, for telling her from others of her size."""

    bands: tuple[str, ...]
    """Common names; empty = a single band, no colour."""
    deck: tuple[float, ...]
    """Parallel to `bands`: logarithm of the deck's level over the geometric mean of all bands [1]."""
    level: float | None
    """Logarithm of the deck's reflectance over all bands; None = not calibrated [1]."""
    contrast: float
    """Standard deviation of the logarithm of brightness on the cargo deck [1]."""
    house: float | None
    """Place of her brightest part, most often the house, from the bow: 0 to 1; None = bow not known."""
    plan: tuple[float, ...]
    """Brightness of 24 x 3 cells of the cargo deck, row by row from the bow, port first; logarithms with
    mean nil and standard deviation one; empty = bow not known."""
    gsd: float
    """Of the image [m]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionResult:
    """All that one scene says of one ship. Exactly one of freeboard and not_measurable is None."""

    id: str
    outline: dict[str, object]
    """GeoJSON Polygon, lon/lat."""
    kind: ShipKind
    tanker_probability: float
    score: float
    heading: float
    heading_ambiguous: bool
    length: float
    length_sigma: float
    beam: float
    beam_sigma: float
    berth_id: str | None
    identity: tuple[Identity, ...]
    freeboard: Freeboard | None
    """With its curve, profile and lines: visits and pictures can be redone without measuring again."""
    not_measurable: Refused | None
    draught: Estimate | None
    load: Load | None
    load_not_known: Refused | None = None
    """Why there is no load where there is a freeboard."""
    flags: tuple[str, ...] = ()
    appearance: Appearance | None = None
    """None where she is too small in the image or not clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneResult:
    """result.json: all that was found in one scene."""

    schema_version: str
    scene_id: str
    datetime: Time | None
    platform: str | None
    gsd: float | None
    crs: str | None
    inputs: tuple[InputFile, ...]
    software: Software
    status: Literal["ok", "refused"]
    reason: Refused | None
    geometry: GeometryResult | None = None
    cloud: CloudResult | None = None
    berths: tuple[BerthState, ...] = ()
    detections: tuple[DetectionResult, ...] = ()
    flags: tuple[Flag, ...] = ()
    site: str | None = None
    simulated: bool = False
    footprint: Polygon | None = None


# ------------------------------------------------------------------- the season: visits and barrels


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """Load fraction at arrival or departure."""

    fraction: float
    interval90: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierVisit:
    """An earlier visit that the same hull may have made."""

    visit_id: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alongside:
    """A ship that lay beside the visit's and gave or took oil: part of that visit, and none of her own."""

    identity: tuple[Identity, ...]
    scene_ids: tuple[str, ...]
    detection_ids: tuple[str, ...]
    """Parallel to `scene_ids`."""
    first_beside: datetime
    last_beside: datetime
    cargo: Estimate | None
    """That she left with, where it was measured [t]."""
    counted: bool
    """Whether that is in the visit's cargo: hers was measured after they had parted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One call of one ship."""

    visit_id: str
    site: str
    berth_id: str | None
    identity: tuple[Identity, ...]
    arrival_window: tuple[datetime, datetime]
    """[earliest, latest]"""
    departure_window: tuple[datetime, datetime | None]
    """[earliest, latest]; latest None while nothing later was seen."""
    scene_ids: tuple[str, ...]
    evidence: Literal["pair", "single-laden", "single-arrival", "part-loaded", "seen-only", "reported"]
    arrival: Fill | None
    departure: Fill | None
    cargo_loaded: Estimate
    """[t]"""
    status: Literal["measured", "imputed"]
    detection_ids: tuple[str, ...] = ()
    """Parallel to `scene_ids`."""
    budget: tuple[tuple[str, float], ...] = ()
    """One standard deviation of the cargo by term, largest first [t]."""
    capacity: Estimate | None = None
    """Of cargo: deadweight less full consumables [t]."""
    flags: tuple[str, ...] = ()
    """"berth-unverified", "anchorage-only", ..."""
    merged_probability: float = 0.0
    """That her looks show two ships, one gone and the other come between two of them [1]."""
    loading_rate: Estimate | None = None
    """Between two looks at a part cargo; None = not seen [t/h]."""
    earlier: tuple[EarlierVisit, ...] = ()
    """Earlier visits of the same hull by size and deck, likeliest first; no register is needed."""
    alongside: tuple[Alongside, ...] = ()
    """Ships that lay beside her and are no visits of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCoverage:
    """How much of a month was seen at all."""

    month: str
    """YYYY-MM"""
    passes: int
    usable: int
    days_usable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """When the berths could be seen."""

    usable_times: tuple[datetime, ...]
    by_month: tuple[MonthCoverage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """5th, 50th and 95th percentile."""

    p05: float
    p50: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenMonth:
    """What a month may have hidden, and how busy it was."""

    month: str
    """YYYY-MM"""
    unseen: Quantiles
    """Visits that arrived within it."""
    arrivals_per_free_day: float
    """At all berths together, a day on which they are free [1/day]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenVisits:
    """Visits that fell between usable looks: a posterior, never part of the baseline."""

    probability: tuple[float, ...]
    """Of exactly 0, 1, 2, ... unseen visits; sums to one."""
    exposure: float
    """Mean share of the period's arrivals that would have been seen, 0..1."""
    stay_median: float
    """Posterior mean of the median stay [days]."""
    days: tuple[str, ...] = ()
    """Dates (UTC) on which an unseen visit may have arrived."""
    weights: tuple[float, ...] = ()
    """Parallel to `days`: share of the unseen visits, sums to one."""
    by_month: tuple[UnseenMonth, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedReading:
    """A freeboard read by a person, from draught marks or a photograph: one more likelihood."""

    scene_id: str
    detection_id: str
    freeboard: float
    """Of the main deck edge at side above the water, amidships [m]."""
    sigma: float
    """[m]"""
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VoyageCall:
    """A call at another site that may be where a visit's cargo went."""

    site: str
    visit_id: str
    """In `elsewhere`."""
    probability: float
    arrival_window: tuple[datetime, datetime]
    """[earliest, latest]"""
    fraction_on_arrival: float | None
    """Load fraction at the first measured look there; None = not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voyage:
    """A visit and the calls elsewhere that may go on from it, likeliest first; the rest to one is "none"."""

    visit_id: str
    calls: tuple[VoyageCall, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitsDocument:
    """The file visits.json."""

    visits: tuple[Visit, ...]
    coverage: Coverage
    unseen: UnseenVisits | None = None
    """None where nothing was looked at."""
    flags: tuple[Flag, ...] = ()
    signed: tuple[SignedIdentity, ...] = ()
    """Analysts' words on who a sighting is, those in force."""
    readings: tuple[SignedReading, ...] = ()
    """Freeboards that people read, those in force."""
    elsewhere: tuple[Visit, ...] = ()
    """Calls at further sites; their cargo is in no sum."""
    voyages: tuple[Voyage, ...] = ()
    """Visits that go on at one of them."""
    schema_version: str = "1"
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What the barrels are counted over."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What is assumed to be in the tanks."""

    name: str
    density15: float
    """At 15 degC [kg/m3]."""
    density15_sigma: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Barrels:
    """Barrels at 15 degC."""

    measured: Quantiles
    imputed: Quantiles
    unseen: Quantiles
    baseline: Quantiles
    """measured + imputed"""
    total: Quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitCounts:
    """How many visits were seen, and how many the clouds hid."""

    seen: int
    unseen: Quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossingProbability:
    """Probability that the year's total had passed the limit by a date."""

    date: str
    probability: float
    baseline_probability: float = 0.0
    """By what was seen alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapYear:
    """The yearly limit of UNSCR 2397 against one year's barrels."""

    year: int
    limit: float
    baseline_crossed_on: str | None
    """When the median of what was seen had passed the limit."""
    probability_crossed_by: tuple[CrossingProbability, ...]
    total_crossed_on: str | None = None
    """When the median with the unseen had passed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Designated:
    """Share of the visits by ships on the UN list as of the visit's date, in expectation over identities."""

    visits: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetTerm:
    """One source of error."""

    term: str
    sigma_barrels: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitBarrels:
    """One visit's barrels and where their error comes from."""

    visit_id: str
    barrels: Quantiles
    budget: tuple[BudgetTerm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A figure that somebody else gave, with what this ledger says of the same days."""

    key: str
    start: str
    """ISO date, first day."""
    end: str
    """ISO date, last day."""
    quantity: Literal["barrels", "calls", "barrels-per-call", "ships", "fill", "un-designated-share"]
    scope: str
    """Whose oil by which way is counted: claims are compared within one scope."""
    low: float | None
    """The figure is at least this; with `high` the same, it is this; both None: nothing was said."""
    high: float | None
    source: str
    note: str
    ours: Quantiles | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two claims, or a claim and the sum of others, that cannot both hold."""

    keys: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductBarrels:
    """The season's barrels, were all of it this product."""

    name: str
    density15: float
    baseline: Quantiles
    total: Quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeDocument:
    """The file volume.json."""

    period: Period | None
    product: Product
    seed: int
    draws: int
    barrels: Barrels
    visits: VisitCounts
    cap: tuple[CapYear, ...]
    un_designated: Designated
    by_visit: tuple[VisitBarrels, ...] = field(default=())
    tonnes: Barrels | None = None
    """The same in tonnes, before any product is assumed."""
    by_product: tuple[ProductBarrels, ...] = ()
    """What the same tonnes would be of other products."""
    claims: tuple[Claim, ...] = ()
    """What others said, where a file of claims was given."""
    contradictions: tuple[Contradiction, ...] = ()
    flags: tuple[Flag, ...] = ()
    schema_version: str = "1"
    simulated: bool = False
