"""The desk case: calls from any source, without imagery, through the same ledger.

ReportedCall rows -> visits (capacity, fill or draught, cargo with its budget) -> barrels, cap, claims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt

import numpy as np
import numpy.typing as npt

from pipeline.config import Config
from pipeline.datatypes import Detection, Flag, Identity, Ship
from pipeline.ingest.calls import CallsFile, ReportedCall
from pipeline.products import (
    Claim,
    Coverage,
    Fill,
    Period,
    Quantiles,
    Visit,
    VisitsDocument,
    VolumeDocument,
)
from pipeline.readings import Estimate

Array = npt.NDArray[np.float64]
Budget = tuple[tuple[str, float], ...]

UNKNOWN_DEADWEIGHT = (1000.0, 9000.0)
"""Product tankers of this trade, two standard deviations of the logarithm to either side: 1,000 to 9,000 t
(Seatrade, 2024-11-22), so 3,000 t in the middle, which is what Argus gave in 2017 [t]."""
STATED_SIGMA = 0.05
"""Of a cargo or capacity that somebody states without an error, relative [1]."""
READ_DRAUGHT_SIGMA = 0.15
"""Of a draught that somebody states without an error [m]."""
REGISTER_SIGMA = 0.003
"""Of a deadweight in a register, relative [1]."""
LEAST_FILL, MOST_FILL = 0.05, 1.1
"""Shares of a known capacity outside of which a stated cargo is doubted [1]."""
SEEN = frozenset({"pair", "single-laden", "part-loaded"})
"""Evidence that a departure was measured by whoever made the list."""
DRAWS = 2000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Loaded:
    """What left with one call."""

    cargo: Estimate
    budget: Budget
    capacity: Estimate
    departure: Fill | None
    flags: tuple[str, ...]


def write_ledger(file: CallsFile, fleet: Sequence[Ship], *, config: Config) -> VisitsDocument:
    """The visits of a file of calls, a row of n calls as n visits, in the order of their dates.

    Parameters
    ----------
    file
        Refused lines are named in the flags, and counted nowhere.
    fleet
        Gives the deadweight and the UN list, by IMO number, else by name.
    config
        Usual fill where a row gives none, consumables.

    Returns
    -------
    VisitsDocument
        Without coverage and without unseen visits: nobody says here when the berths could be seen, so that
        the sum is of what was counted, and no more.
    """
    visits: list[Visit] = []
    doubts: list[Flag] = []
    for given in sorted(file.calls, key=lambda c: (c.end, c.line)):
        ship = find_ship(given, fleet)
        row, said = without_impossible(given, ship, config)
        doubts += [Flag(code="doubtful", message=f"{file.name} line {row.line}: {d}") for d in said]
        visits += _visits_of(row, ship, config)
    return VisitsDocument(
        visits=tuple(visits),
        coverage=Coverage(usable_times=(), by_month=()),
        flags=(
            Flag(
                code="no-imagery",
                message="a ledger of what others counted: nothing here says when nobody looked, and the "
                "total is of the listed calls alone",
            ),
            *file.refused,
            *file.notes,
            *doubts,
        ),
    )


def measure_desk(
    visits: VisitsDocument, claims: Sequence[Claim], fleet: Sequence[Ship], *, config: Config
) -> VolumeDocument:
    """Barrels of a ledger, beside what others claim of the same days."""
    from pipeline.volume import estimate_volume, find_contradictions

    volume = estimate_volume(visits, (), fleet, config=config, period=_period(visits))
    compared = tuple(_beside(claim, visits, fleet, config) for claim in claims)
    return replace(volume, claims=compared, contradictions=find_contradictions(claims), flags=visits.flags)


def _period(visits: VisitsDocument) -> Period | None:
    if not visits.visits:
        return None
    ends = [v.departure_window[1] or v.departure_window[0] for v in visits.visits]
    return Period(start=min(v.arrival_window[0] for v in visits.visits), end=max(ends))


def _beside(claim: Claim, visits: VisitsDocument, fleet: Sequence[Ship], config: Config) -> Claim:
    """The claim with what the ledger says of its days; None where it says nothing, or dates are too vague."""
    from pipeline.volume import draw_season

    mine = [v for v in visits.visits if v.site == claim.scope and _meets(v, claim)]
    within = tuple(v for v in mine if _inside(v, claim))
    if not within or len(within) < len(mine):  # a call may lie within the days, or outside
        return claim
    if claim.quantity == "calls":
        count = float(len(within))
        return replace(claim, ours=Quantiles(p05=count, p50=count, p95=count))
    if claim.quantity not in {"barrels", "barrels-per-call"}:
        return claim
    season = draw_season(replace(visits, visits=within), fleet, config=config)
    barrels = (season.cargo * season.barrels_per_tonne).sum(axis=0)
    if claim.quantity == "barrels-per-call":
        barrels = barrels / len(within)
    low, middle, high = np.quantile(barrels, [0.05, 0.5, 0.95])
    return replace(claim, ours=Quantiles(p05=float(low), p50=float(middle), p95=float(high)))


def _inside(visit: Visit, claim: Claim) -> bool:
    last = visit.departure_window[1] or visit.departure_window[0]
    return claim.start <= visit.arrival_window[0].date().isoformat() and last.date().isoformat() <= claim.end


def _meets(visit: Visit, claim: Claim) -> bool:
    last = visit.departure_window[1] or visit.departure_window[0]
    return visit.arrival_window[0].date().isoformat() <= claim.end and claim.start <= last.date().isoformat()


# --------------------------------------------------------------------------------------------- a row


def without_impossible(
    row: ReportedCall, ship: Ship | None, config: Config
) -> tuple[ReportedCall, list[str]]:
    """The row without a draught that she cannot have had, and a word on all that is doubtful in it."""
    doubts: list[str] = []
    if row.imo is not None and ship is None:
        doubts.append(f"IMO {row.imo} is not in the register, so her size is that of the trade")
    deepest = _deepest(ship)
    if row.draught_departure is not None and deepest is not None and row.draught_departure > deepest:
        doubts.append(
            f"a draught of {row.draught_departure:g} m, where {deepest:.2f} m is her deepest; not used"
        )
        row = replace(row, draught_departure=None)
    arrival, departure = row.draught_arrival, row.draught_departure
    if arrival is not None and departure is not None and arrival > departure:
        doubts.append("she arrived deeper than she left: did she discharge here?")
    capacity, unknown = _capacity(row, ship, config)
    if row.cargo is not None and not unknown:
        share = row.cargo / capacity.value
        if not LEAST_FILL <= share <= MOST_FILL:
            doubts.append(f"{row.cargo:g} t are {share:.0%} of what she carries; are these tonnes?")
    return row, doubts


def _deepest(ship: Ship | None) -> float | None:
    """The draught at which her register says that she would be overloaded, or under [m]."""
    if ship is None:
        return None
    limits = [] if ship.summer_draught is None else [1.05 * ship.summer_draught]
    return min([*limits, *([] if ship.depth is None else [ship.depth])], default=None)


def _visits_of(row: ReportedCall, ship: Ship | None, config: Config) -> list[Visit]:
    """A row as visits; ships that nobody named share their unknown size among the calls they made."""
    loaded = _load(row, ship, config)
    stem = row.visit_id or f"line-{row.line}"
    width = len(str(row.calls))
    visits = []
    for number in range(row.calls):
        visits.append(
            Visit(
                visit_id=stem if row.calls == 1 else f"{stem}-{number + 1:0{width}d}",
                site=row.site or "",
                berth_id=row.berth,
                identity=_identity(row, ship, number),
                arrival_window=(row.start, row.end),
                departure_window=(row.start, row.end),
                scene_ids=(),
                evidence=row.evidence,
                arrival=None,
                departure=loaded.departure,
                cargo_loaded=loaded.cargo,
                status="measured" if row.evidence in SEEN and loaded.departure is not None else "imputed",
                budget=loaded.budget,
                capacity=loaded.capacity,
                flags=loaded.flags,
            )
        )
    return visits


def find_ship(row: ReportedCall, fleet: Sequence[Ship]) -> Ship | None:
    """The register's row of this IMO number, else the only one of this name."""
    if row.imo is not None:
        return next((ship for ship in fleet if ship.imo == row.imo), None)
    named = [s for s in fleet if row.name is not None and s.name.casefold() == row.name.casefold()]
    return named[0] if len(named) == 1 else None


def _identity(row: ReportedCall, ship: Ship | None, number: int) -> tuple[Identity, ...]:
    """Who she is by her source; unnamed ships are numbered, so that one size is drawn for each."""
    if row.imo is not None or row.name is not None:
        name = ship.name if ship is not None else row.name or f"IMO {row.imo}"
        imo = row.imo if ship is None else ship.imo
        return (Identity(imo=imo, name=name, probability=1.0),)
    if row.ships is None:
        return (Identity(imo=None, name=None, probability=1.0),)
    which = f"unnamed {number % row.ships + 1} of {row.ships} (line {row.line})"
    return (Identity(imo=None, name=which, probability=1.0),)


def _load(row: ReportedCall, ship: Ship | None, config: Config) -> _Loaded:
    """Cargo from the row: as stated, else from the draught, else from the fill, else from the usual fill."""
    capacity, flags = _capacity(row, ship, config)
    if row.cargo is not None:
        sigma = row.cargo_sigma if row.cargo_sigma is not None else STATED_SIGMA * row.cargo
        return _Loaded(
            cargo=_normal(row.cargo, sigma, most=None),
            budget=(("stated-cargo", sigma),) if sigma > 0 else (),
            capacity=capacity,
            departure=_fill(row.cargo / capacity.value, sigma / capacity.value),
            flags=flags,
        )
    if row.draught_departure is not None and ship is not None:
        read = _from_draught(row, ship, config)
        if read is not None:
            return replace(read, flags=flags)
        flags = (*flags, "draught-without-particulars")
    elif row.draught_departure is not None:
        flags = (*flags, "draught-without-particulars")
    usual = config.visits
    mean = row.fill if row.fill is not None else usual.fill_mean
    sigma = row.fill_sigma if row.fill_sigma is not None else usual.fill_sigma
    cargo = mean * capacity.value
    terms = {"usual-fill": sigma * capacity.value, "capacity": mean * capacity.sigma}
    return _Loaded(
        cargo=_normal(
            cargo, sqrt(sum(size**2 for size in terms.values())), most=capacity.value + 2 * capacity.sigma
        ),
        budget=_ranked(terms),
        capacity=capacity,
        departure=None if row.fill is None else _fill(mean, sigma),
        flags=flags,
    )


def _capacity(row: ReportedCall, ship: Ship | None, config: Config) -> tuple[Estimate, tuple[str, ...]]:
    """Cargo capacity: the row's own, else by her deadweight, else that of a ship of this trade [t]."""
    share, spread = 1 - config.load.consumables_share, config.load.consumables_share_sigma
    dwt = row.dwt if row.dwt is not None else None if ship is None else ship.dwt
    if row.capacity is not None:
        sigma = row.capacity_sigma if row.capacity_sigma is not None else STATED_SIGMA * row.capacity
        return _normal(row.capacity, sigma, most=None), ()
    if dwt is not None:
        sigma = REGISTER_SIGMA if row.dwt is None else STATED_SIGMA
        return _normal(share * dwt, dwt * float(np.hypot(spread, share * sigma)), most=None), ()
    low, high = UNKNOWN_DEADWEIGHT
    middle, scale = share * sqrt(low * high), log(high / low) / 4
    mean = middle * exp(scale**2 / 2)
    bounds = middle * exp(-1.645 * scale), middle * exp(1.645 * scale)
    return Estimate(value=mean, sigma=mean * sqrt(exp(scale**2) - 1), interval90=bounds), (
        "capacity-unknown",
    )


def _normal(value: float, sigma: float, *, most: float | None) -> Estimate:
    high = value + 1.645 * sigma
    bounds = max(value - 1.645 * sigma, 0.0), high if most is None else min(high, most)
    return Estimate(value=value, sigma=sigma, interval90=bounds)


def _fill(mean: float, sigma: float) -> Fill:
    return Fill(fraction=mean, interval90=(max(mean - 1.645 * sigma, 0.0), mean + 1.645 * sigma))


def _ranked(terms: dict[str, float]) -> Budget:
    return tuple(sorted(((n, s) for n, s in terms.items() if s >= 1.0), key=lambda item: (-item[1], item[0])))


def _from_draught(row: ReportedCall, ship: Ship, config: Config) -> _Loaded | None:
    """Cargo of a ship of known length and beam at a stated draught; None without them.

    The summer load line anchors it, as for a measured freeboard; her depth drops out.
    """
    from pipeline.load import cargo_at_draught

    if ship.loa is None or ship.beam is None or row.draught_departure is None:
        return None
    sigma = row.draught_sigma if row.draught_sigma is not None else READ_DRAUGHT_SIGMA
    cargo, fraction, capacity, terms = cargo_at_draught(
        ship, _as_seen(ship), (row.draught_departure, sigma), config=replace(config.load, draws=DRAWS)
    )
    low, high = np.quantile(fraction, [0.05, 0.95])
    return _Loaded(
        cargo=_summary(cargo),
        budget=_ranked(dict(terms)),
        capacity=_summary(capacity),
        departure=Fill(fraction=float(fraction.mean()), interval90=(float(low), float(high))),
        flags=(),
    )


def _summary(draws: Array) -> Estimate:
    low, high = np.quantile(draws, [0.05, 0.95])
    return Estimate(value=float(draws.mean()), sigma=float(draws.std()), interval90=(float(low), float(high)))


def _as_seen(ship: Ship) -> Detection:
    """A detection of just her register's size: particulars are drawn around one."""
    assert ship.loa is not None
    assert ship.beam is not None
    return Detection(
        id="",
        outline=(),
        centre=(0.0, 0.0),
        heading=0.0,
        heading_sigma=0.0,
        heading_ambiguous=True,
        length=ship.loa,
        length_sigma=0.3,
        beam=ship.beam,
        beam_sigma=0.1,
        kind="tanker",
        tanker_probability=1.0,
        score=1.0,
    )
