"""What the looks at one terminal leave unseen: visits that nobody saw at its berths and at its anchorage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pipeline.config import Config
from pipeline.datatypes import Ship, Site
from pipeline.products import Quantiles, UnseenMonth, UnseenVisits
from pipeline.visits.calls import Call
from pipeline.visits.exposure import Unseen, infer_unseen
from pipeline.visits.gaps import Looks
from pipeline.visits.roads import Window, infer_missed, join_missed
from pipeline.visits.sightings import Pass
from pipeline.visits.tracks import Track, compare_looks
from pipeline.visits.waits import Waiting, learn_waits

DAY = 86_400.0


def infer_season(
    tracks: Sequence[Track],
    calls: Sequence[Call | None],
    passes: Sequence[Pass],
    site: Site,
    fleet: Sequence[Ship],
    config: Config,
) -> tuple[UnseenVisits | None, dict[int, float]]:
    """Posterior of unseen visits over the period from the first pass to the last, cloudy ones included; and
    for each track, by its place, the probability that it is two ships.
    """
    berths = [f.id for f in site.of_role("berth")]
    anchored = [c for c in calls if c is not None and c.berth_id is None and (c.partners or not berths)]
    if not passes or not (berths or anchored):
        return None, {}
    start, end = passes[0].time, passes[-1].time
    months = sorted({f"{p.time:%Y-%m}" for p in passes})
    ends = [min(_days(start, _end_of(month)), _days(start, end)) for month in months]
    stay = config.visits.stay_median_days, config.visits.stay_factor
    roads = look_at_roads(calls, passes, site)
    posterior = None
    if berths:
        posterior = infer_unseen(
            [_looks(berth, tracks, calls, passes, fleet, config) for berth in berths],
            _days(start, end),
            stay=stay,
            month_ends=ends,
            seed=config.volume.seed,
            waiting=roads,
        )
    if posterior is None or (anchored and roads is not None):
        looks = () if roads is None else roads.looks
        windows = [_window(call, start) for call in anchored]
        missed = infer_missed(windows, looks, _days(start, end), stay=stay, month_ends=ends)
        posterior = join_missed(posterior, missed)
    return _write_unseen(posterior, months, start), {ship - 1: odds for ship, odds in posterior.parted}


def _write_unseen(posterior: Unseen, months: Sequence[str], start: datetime) -> UnseenVisits:
    days, weights = _by_day(posterior, start)
    return UnseenVisits(
        probability=tuple(float(p) for p in posterior.probability),
        exposure=posterior.exposure,
        stay_median=posterior.stay_median,
        days=days,
        weights=weights,
        by_month=tuple(
            UnseenMonth(
                month=month,
                unseen=Quantiles(p05=float(row[0]), p50=float(row[1]), p95=float(row[2])),
                arrivals_per_free_day=float(rate),
            )
            for month, row, rate in zip(months, posterior.by_month, posterior.month_rate, strict=True)
        ),
    )


def _window(call: Call, start: datetime) -> Window:
    """When she came and left, in days from the start; an open end is never."""
    arrival, departure = call.arrival_window, call.departure_window
    latest = float("inf") if departure[1] is None else _days(start, departure[1])
    return (_days(start, arrival[0]), _days(start, arrival[1])), (_days(start, departure[0]), latest)


def look_at_roads(calls: Sequence[Call | None], passes: Sequence[Pass], site: Site) -> Waiting | None:
    """When the anchorage was seen, and how long ships wait there; None where there is none."""
    middles = [
        (sum(x for x, _ in f.outline) / len(f.outline), sum(y for _, y in f.outline) / len(f.outline))
        for f in site.of_role("anchorage")
    ]
    if not middles or not passes:
        return None
    clear = [p for p in passes if all(p.covers(middle) for middle in middles)]
    cases: list[tuple[float, bool]] = []
    for call in calls:
        berthed = [] if call is None else [s for s in call.track.sightings if s.berth_id is not None]
        if call is None or not berthed:
            continue
        first = berthed[0]
        before = [p for p in clear if p.time < first.time and p.shows(first.berth_id or "")]
        if before:
            waited = any(s.berth_id is None and s.time < first.time for s in call.track.sightings)
            cases.append((_days(before[-1].time, first.time), waited))
    start = passes[0].time
    return Waiting(looks=tuple(_days(start, p.time) for p in clear), weights=learn_waits(cases))


def _end_of(month: str) -> datetime:
    """First instant after a month YYYY-MM."""
    year, number = int(month[:4]), int(month[5:])
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _looks(
    berth: str,
    tracks: Sequence[Track],
    calls: Sequence[Call | None],
    passes: Sequence[Pass],
    fleet: Sequence[Ship],
    config: Config,
) -> Looks:
    """When the berth was seen, with which ship (a track's place, from one on) or empty."""
    start = passes[0].time
    owner = {
        (s.scene_id, s.ship.id): k
        for k, t in enumerate(tracks, 1)
        for s in t.sightings
        if s.berth_id == berth
    }
    times: list[float] = []
    ships: list[int] = []
    alike: list[float] = []
    for look in passes:
        if not look.usable(berth):
            continue
        here = {owner[key] for s in look.sightings if (key := (s.scene_id, s.ship.id)) in owner}
        if not here and not look.shows(berth):
            continue
        # Of two ships side by side the one that was there before.
        ship = 0 if not here else next((k for k in ships[-1:] if k in here), min(here))
        if times:
            alike.append(_alike_at(look.time, (ships[-1], ship), tracks, fleet, config))
        times.append(_days(start, look.time))
        ships.append(ship)
    strangers = frozenset(k for k, call in enumerate(calls, 1) if call is None)
    return Looks(times=tuple(times), ships=tuple(ships), alike=tuple(alike), strangers=strangers)


def _alike_at(
    time: datetime, ships: tuple[int, int], tracks: Sequence[Track], fleet: Sequence[Ship], config: Config
) -> float:
    """Log odds of one ship, from her looks, before a time against from it on; nil where a look shows none."""
    if 0 in ships:
        return 0.0
    first = [s for s in tracks[ships[0] - 1].sightings if s.time < time]
    second = [s for s in tracks[ships[1] - 1].sightings if s.time >= time]
    return compare_looks(first, second, fleet, config=config.visits)


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
