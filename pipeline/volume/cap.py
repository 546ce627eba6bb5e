"""The yearly cap of UNSCR 2397 against a season's draws."""

from __future__ import annotations

from datetime import UTC, date, timedelta

import numpy as np
import numpy.typing as npt

from pipeline.config import VolumeConfig
from pipeline.products import CapYear, CrossingProbability, Period, UnseenVisits, Visit, VisitsDocument
from pipeline.volume.draws import Season

Array = npt.NDArray[np.float64]


def count_cap(
    visits: VisitsDocument, season: Season, period: Period, *, config: VolumeConfig
) -> tuple[CapYear, ...]:
    """For each calendar year (UTC) of the period, when the limit was passed.

    A visit counts on the day of its departure: as late as the looks allow, so that no date here is too early
    by the width of a window. The baseline crosses where its median does; the probability, at the end of each
    month, is over all draws with unseen visits included.
    """
    dates = np.array([_counted_on(v, period).toordinal() for v in visits.visits], dtype=np.int64)
    barrels = season.cargo * season.barrels_per_tonne
    unseen_dates = _unseen_dates(visits.unseen, season, period)
    unseen = season.unseen_cargo * season.barrels_per_tonne
    years = range(period.start.astimezone(UTC).year, period.end.astimezone(UTC).year + 1)
    return tuple(_one_year(year, (dates, barrels), (unseen_dates, unseen), period, config) for year in years)


def _counted_on(visit: Visit, period: Period) -> date:
    """The last day on which her departure may fall, within the period."""
    last = visit.departure_window[1] or visit.departure_window[0]
    return min(last, period.end).astimezone(UTC).date()


def _one_year(
    year: int,
    seen: tuple[npt.NDArray[np.int64], Array],
    unseen: tuple[npt.NDArray[np.int64], Array],
    period: Period,
    config: VolumeConfig,
) -> CapYear:
    dates, barrels = seen
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    mine = (dates >= first) & (dates <= last)
    order = np.flatnonzero(mine)[np.argsort(dates[mine], kind="stable")]
    ordered, running = dates[order], np.cumsum(barrels[order], axis=0)
    # The last visit of each day carries the day's sum.
    ends = np.flatnonzero(np.diff(ordered, append=last + 1))
    crossed = next(
        (date.fromordinal(int(ordered[k])) for k in ends if np.median(running[k]) > config.cap), None
    )
    probabilities = []
    for end in _month_ends(year, period):
        day = end.toordinal()
        number = int(np.searchsorted(ordered, day, side="right"))
        hidden = (unseen[0] >= first) & (unseen[0] <= day)
        total = np.where(hidden, unseen[1], 0.0).sum(axis=0)
        if number:
            total = total + running[number - 1]
        probabilities.append(
            CrossingProbability(date=end.isoformat(), probability=float(np.mean(total > config.cap)))
        )
    return CapYear(
        year=year,
        limit=config.cap,
        baseline_crossed_on=None if crossed is None else crossed.isoformat(),
        probability_crossed_by=tuple(probabilities),
    )


def _month_ends(year: int, period: Period) -> list[date]:
    """Ends of the year's months within the period, and the period's own last day."""
    start, stop = period.start.astimezone(UTC).date(), period.end.astimezone(UTC).date()
    ends: list[date] = []
    for month in range(1, 13):
        following = date(year + month // 12, month % 12 + 1, 1)
        end = min(following - timedelta(days=1), stop)
        if end >= start and end.year == year and (not ends or end > ends[-1]) and end.month == month:
            ends.append(end)
    return ends


def _unseen_dates(unseen: UnseenVisits | None, season: Season, period: Period) -> npt.NDArray[np.int64]:
    """(most unseen, draws) ordinals of departures: days of arrival, spread by the weights without further
    chance, and a stay later.
    """
    shape = season.unseen_cargo.shape
    if unseen is None or not unseen.days or not season.unseen_cargo.size:
        return np.full(shape, period.end.toordinal(), dtype=np.int64)
    days = np.array([date.fromisoformat(d).toordinal() for d in unseen.days], dtype=np.int64)
    cumulative = np.cumsum(unseen.weights)
    order = np.arange(season.unseen_cargo.size, dtype=np.float64)
    place = (order * 0.6180339887498949 + 0.5) % 1.0 * cumulative[-1]
    arrival = days[np.minimum(np.searchsorted(cumulative, place), len(days) - 1)].reshape(shape)
    return np.asarray(np.minimum(arrival + round(unseen.stay_median), period.end.toordinal()))
