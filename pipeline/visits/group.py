"""Detections over time to visits, coverage and the posterior of what was not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import inf

import numpy as np

from pipeline.config import Config
from pipeline.datatypes import Flag, Ship, SignedIdentity, Site
from pipeline.products import Coverage, MonthCoverage, SceneResult, UnseenVisits, VisitsDocument
from pipeline.visits.calls import Call, read_call, usual_fill, write_visit
from pipeline.visits.exposure import Berth, Unseen, Window, infer_unseen
from pipeline.visits.sightings import Pass, list_passes
from pipeline.visits.tracks import Track, join_sightings

BERTH_SHARE = 0.5
"""Visits that the berths share out among them before any was seen [1]."""
DAY = 86_400.0


def group_visits(
    results: Sequence[SceneResult],
    site: Site,
    fleet: Sequence[Ship],
    *,
    config: Config,
    signed: Sequence[SignedIdentity] = (),
) -> VisitsDocument:
    """Visits at one site, its coverage, and the visits that fell between the usable looks.

    Parameters
    ----------
    results
        In any order; refused scenes, scenes without a date and scenes of other sites are left out. One
        acquisition delivered twice counts once.
    site
        Its berths and anchorages; a candidate berth gives visits too, flagged `berth-unverified`.
    fleet
        The register.
    config
        Of this stage, and consumables of the load stage.
    signed
        Identities that analysts gave by sighting. They bind the visit, and no two names make one visit.

    Returns
    -------
    VisitsDocument
        Visits in the order of first sighting. Cargo is measured on departure, or imputed from the port's own
        measured departures and the usual fill; arrivals prove emptiness and nothing else.
    """
    passes = list_passes(results, site, signed)
    tracks = join_sightings(passes, fleet, config=config.visits)
    calls = [(track, read_call(track, passes, fleet, site, config=config)) for track in tracks]
    visits = [call for _, call in calls if call is not None]
    others = [track for track, call in calls if call is None]
    usual = usual_fill(visits, config=config)
    names = _name_visits(visits)
    return VisitsDocument(
        visits=tuple(
            write_visit(call, name, usual, site, fleet, config=config)
            for call, name in zip(visits, names, strict=True)
        ),
        coverage=_coverage(passes, site),
        unseen=_unseen(visits, others, passes, site, config),
        flags=_flags(results, visits, usual.departures),
        simulated=site.simulated or any(r.simulated for r in results),
    )


def _name_visits(calls: Sequence[Call]) -> list[str]:
    """Date of the first sighting and the berth; a number where that is not enough."""
    names: list[str] = []
    for call in calls:
        name = f"{call.track.sightings[0].time:%Y%m%d}-{call.berth_id or 'anchorage'}"
        names.append(name)
    repeated = Counter(names)
    numbered: Counter[str] = Counter()
    unique = []
    for name in names:
        numbered[name] += 1
        unique.append(f"{name}-{numbered[name]}" if repeated[name] > 1 else name)
    return unique


def _coverage(passes: Sequence[Pass], site: Site) -> Coverage:
    """Passes and usable looks by month; usable is a look that shows at least one berth."""
    berths = [f.id for f in site.of_role("berth")]
    usable = [p.time for p in passes if any(p.usable(b) for b in berths)]
    months = sorted({f"{p.time:%Y-%m}" for p in passes})
    return Coverage(
        usable_times=tuple(usable),
        by_month=tuple(
            MonthCoverage(
                month=month,
                passes=sum(f"{p.time:%Y-%m}" == month for p in passes),
                usable=sum(f"{t:%Y-%m}" == month for t in usable),
                days_usable=len({t.date() for t in usable if f"{t:%Y-%m}" == month}),
            )
            for month in months
        ),
    )


def _unseen(
    calls: Sequence[Call], others: Sequence[Track], passes: Sequence[Pass], site: Site, config: Config
) -> UnseenVisits | None:
    """Posterior of unseen visits over the period from the first look to the last, cloudy ones included."""
    berths = [f.id for f in site.of_role("berth")]
    if not passes or not berths:
        return None
    start = passes[0].time
    period = _days(start, passes[-1].time)
    at_berths = [c for c in calls if c.berth_id in berths]
    total = len(at_berths) + BERTH_SHARE
    looks = []
    for berth in berths:
        here = [c for c in at_berths if c.berth_id == berth]
        looks.append(
            Berth(
                usable=tuple(_days(start, p.time) for p in passes if p.usable(berth)),
                windows=tuple(_window(c.track, berth, passes, start) for c in here),
                blocked=tuple(_window(t, berth, passes, start) for t in others if t.last.berth_id == berth),
                share=(len(here) + BERTH_SHARE / len(berths)) / total,
            )
        )
    posterior = infer_unseen(
        looks,
        period,
        stay_median=config.visits.stay_median_days,
        stay_factor=config.visits.stay_factor,
    )
    days, weights = _by_day(posterior, start)
    return UnseenVisits(
        probability=_less(posterior, len(calls) - len(at_berths)),
        exposure=posterior.exposure,
        stay_median=posterior.stay_median,
        days=days,
        weights=weights,
    )


def _window(track: Track, berth: str, passes: Sequence[Pass], start: datetime) -> Window:
    """Her stay at one berth between the looks at it, in days from the start."""
    times = [s.time for s in track.sightings if s.berth_id == berth]
    before = [p.time for p in passes if p.time < times[0] and p.usable(berth)]
    after = [p.time for p in passes if p.time > times[-1] and p.usable(berth)]
    first, last = _days(start, times[0]), _days(start, times[-1])
    return Window(
        arrival=(_days(start, before[-1]) if before else first - 60.0, first),
        departure=(last, _days(start, after[0]) if after else inf),
    )


def _less(posterior: Unseen, known: int) -> tuple[float, ...]:
    """Counts less the visits known from the anchorage alone, whose stay at the berth nobody saw."""
    mass = posterior.probability
    if known > 0:
        mass = np.concatenate([[mass[: known + 1].sum()], mass[known + 1 :]])
    return tuple(float(m) for m in mass)


def _by_day(posterior: Unseen, start: datetime) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Dates and the share of unseen arrivals on each."""
    shares: dict[str, float] = {}
    for first, last, weight in posterior.gaps:
        time, end = start + timedelta(days=first), start + timedelta(days=last)
        while time < end:
            midnight = (time + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
            piece = _days(time, min(midnight, end)) / (last - first)
            day = time.date().isoformat()
            shares[day] = shares.get(day, 0.0) + weight * piece
            time = midnight
    days = tuple(sorted(shares))
    return days, tuple(shares[d] for d in days)


def _days(first: datetime, second: datetime) -> float:
    return (second - first).total_seconds() / DAY


def _flags(results: Sequence[SceneResult], calls: Sequence[Call], departures: int) -> tuple[Flag, ...]:
    """What a reader of the season must know."""
    flags = []
    undated = sum(r.status == "ok" and r.datetime is None for r in results)
    if undated:
        flags.append(
            Flag(code="no-date", message=f"{undated} scenes carry no date and are left out of the visits")
        )
    unverified = sum("berth-unverified" in c.flags for c in calls)
    if unverified:
        flags.append(
            Flag(
                code="berth-unverified",
                message=f"{unverified} visits are at candidate berths that nobody has confirmed",
            )
        )
    imputed = sum(not c.measured for c in calls)
    if imputed:
        basis = (
            f"{departures} measured departures and the usual fill" if departures else "the usual fill alone"
        )
        flags.append(Flag(code="imputed", message=f"the cargo of {imputed} visits is imputed from {basis}"))
    return tuple(flags)
