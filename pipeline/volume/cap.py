"""The yearly cap of UNSCR 2397 against a season's draws."""

from __future__ import annotations

from bisect import bisect_right
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
    by the width of a window. Baseline and total cross where their medians do; the probabilities, at the end
    of each month, are over all draws.
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
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    ends = _month_ends(year, period)
    happens = np.zeros(last - first + 1, dtype=bool)
    happens[[end.toordinal() - first for end in ends]] = True
    for dates in (seen[0], unseen[0]):
        happens[dates[(dates >= first) & (dates <= last)] - first] = True
    marks = first + np.flatnonzero(happens)
    baseline = _by_day(*seen, first, marks)
    total = baseline + _by_day(*unseen, first, marks)
    probabilities = []
    for end in ends:
        row = int(np.searchsorted(marks, end.toordinal()))
        probabilities.append(
            CrossingProbability(
                date=end.isoformat(),
                probability=float(np.mean(total[row] > config.cap)),
                baseline_probability=float(np.mean(baseline[row] > config.cap)),
            )
        )
    return CapYear(
        year=year,
        limit=config.cap,
        baseline_crossed_on=_crossed_on(baseline, marks, config.cap),
        probability_crossed_by=tuple(probabilities),
        total_crossed_on=_crossed_on(total, marks, config.cap),
    )


def _by_day(dates: npt.NDArray[np.int64], barrels: Array, first: int, marks: npt.NDArray[np.int64]) -> Array:
    """(marks, draws) barrels from the year's first day to each mark, that day included.

    `dates` is (visits,) or (visits, draws).
    """
    draws = barrels.shape[1]
    row_of = np.full(int(marks[-1]) - first + 1 if len(marks) else 0, len(marks))
    row_of[marks - first] = np.arange(len(marks))
    inside = (dates >= first) & (dates < first + len(row_of))
    if dates.ndim == 1:
        rows, barrels = row_of[dates[inside] - first], barrels[inside]
        places = (rows[:, None] * draws + np.arange(draws)).ravel()
    else:
        places = row_of[dates[inside] - first] * draws + np.nonzero(inside)[1]
        barrels = barrels[inside]
    added = np.bincount(places, weights=barrels.ravel(), minlength=len(marks) * draws)
    return np.asarray(np.cumsum(added.reshape(-1, draws), axis=0))


def _crossed_on(running: Array, marks: npt.NDArray[np.int64], limit: float) -> str | None:
    """The first mark at which the median is above the limit: sums only rise, so that halving finds it."""
    first = bisect_right(range(len(running)), limit, key=lambda row: float(np.median(running[row])))
    return date.fromordinal(int(marks[first])).isoformat() if first < len(running) else None


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
