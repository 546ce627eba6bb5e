"""What the season's charts show, as numbers: days hidden from a berth, barrels adding up over a year."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from pipeline.datatypes import Site
from pipeline.products import Quantiles, SceneResult, Visit, VisitsDocument, VolumeDocument

DayState = Literal["seen", "hidden", "no-look"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one scene said of one berth."""

    when: datetime
    state: str
    scene_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BerthRow:
    """One line of the timeline."""

    id: str
    name: str
    verified: bool
    looks: tuple[Look, ...]
    visits: tuple[Visit, ...]
    days: tuple[tuple[date, DayState], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Barrels of one calendar year after a departure."""

    when: datetime
    visit_id: str
    low: float
    middle: float
    high: float


def departure_times(visits: Sequence[Visit]) -> dict[str, datetime]:
    """By visit id; calls that share one window, because nobody told them apart, spread evenly over it."""
    alike: dict[tuple[datetime, datetime | None], list[Visit]] = {}
    for visit in visits:
        alike.setdefault(visit.departure_window, []).append(visit)
    times: dict[str, datetime] = {}
    for (earliest, latest), group in alike.items():
        for number, visit in enumerate(group, 1):
            width = timedelta() if latest is None else latest - earliest
            times[visit.visit_id] = earliest + width * number / (len(group) + 1)
    return times


def season_span(
    visits: VisitsDocument, volume: VolumeDocument, results: Sequence[SceneResult]
) -> tuple[datetime, datetime] | None:
    """(start, end) that holds the period, every scene and every window; None where nothing has a date."""
    times = [result.datetime for result in results if result.datetime is not None]
    for visit in visits.visits:
        times += [*visit.arrival_window, visit.departure_window[0]]
        if visit.departure_window[1] is not None:
            times.append(visit.departure_window[1])
    if volume.period is not None:
        times += [volume.period.start, volume.period.end]
    if not times:
        return None
    start, end = min(times).astimezone(UTC), max(times).astimezone(UTC)
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    last = end.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return first, last


def year_of(span: tuple[datetime, datetime], year: int) -> tuple[datetime, datetime]:
    """The part of the span that lies in a year; the whole year where none does."""
    first, after = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    start, end = max(span[0], first), min(span[1], after)
    return (start, end) if start < end else (first, after)


def _days(looks: Sequence[Look], span: tuple[datetime, datetime]) -> tuple[tuple[date, DayState], ...]:
    """Of every day of the span, whether the berth was seen, hidden, or not looked at."""
    states: dict[date, set[str]] = {}
    for look in looks:
        states.setdefault(look.when.astimezone(UTC).date(), set()).add(look.state)
    days: list[tuple[date, DayState]] = []
    day = span[0].date()
    while day < span[1].date():
        found = states.get(day, set())
        state: DayState = "no-look"
        if found & {"occupied", "clear-empty"}:
            state = "seen"
        elif "obscured" in found:
            state = "hidden"
        days.append((day, state))
        day += timedelta(days=1)
    return tuple(days)


def berth_rows(
    visits: VisitsDocument,
    results: Sequence[SceneResult],
    site: Site | None,
    span: tuple[datetime, datetime],
) -> tuple[BerthRow, ...]:
    """The berths of the timeline in the site's order, those only in results after them."""
    looks: dict[str, list[Look]] = {}
    verified: dict[str, bool] = {}
    for result in results:
        for berth in result.berths:
            verified[berth.id] = verified.get(berth.id, True) and berth.verified
            if result.datetime is not None and berth.state != "not-imaged":
                look = Look(when=result.datetime, state=berth.state, scene_id=result.scene_id)
                looks.setdefault(berth.id, []).append(look)
    names: dict[str, str] = {}
    for feature in site.of_role("berth") if site is not None else ():
        names[feature.id] = feature.name or feature.id
        verified[feature.id] = feature.verified
    for berth_id in sorted({*looks, *(visit.berth_id or "" for visit in visits.visits)}):
        names.setdefault(berth_id, berth_id or "at anchor, or not known")
    rows = []
    for berth_id, name in names.items():
        seen = tuple(sorted(looks.get(berth_id, []), key=lambda look: (look.when, look.scene_id)))
        calls = tuple(v for v in visits.visits if (v.berth_id or "") == berth_id)
        rows.append(
            BerthRow(
                id=berth_id,
                name=name,
                verified=verified.get(berth_id, True),
                looks=seen,
                visits=calls,
                days=_days(seen, span),
            )
        )
    return tuple(rows)


def site_days(rows: Sequence[BerthRow], span: tuple[datetime, datetime]) -> dict[date, DayState]:
    """Of every day of the span, whether any berth was seen, else hidden, else not looked at."""
    return dict(_days([look for row in rows for look in row.looks], span))


def cumulative(visits: VisitsDocument, volume: VolumeDocument, year: int) -> tuple[Step, ...]:
    """Barrels of a year, departure by departure, with a band that meets the baseline's at the end.

    The errors of visits are partly shared (deck edge, load line, product), so their sum is wider than
    independent errors and narrower than one common error. The share rho of the squared half-width that
    is common is chosen so that the sum over all visits has the half-width of `volume.barrels.baseline`;
    the same rho is used at every step. Medians of skewed cargoes add up to less than the median of their sum;
    the steps are scaled so that the last one is the baseline's.
    """
    barrels = {item.visit_id: item.barrels for item in volume.by_visit}
    times = departure_times(visits.visits)
    timed = sorted((times[v.visit_id], v.visit_id) for v in visits.visits if v.visit_id in barrels)
    if not timed:
        return ()
    every = [barrels[name] for _, name in timed]
    whole = math.fsum(q.p50 for q in every)
    scale = volume.barrels.baseline.p50 / whole if whole > 0 else 1.0
    up = common_share(
        [q.p95 - q.p50 for q in every], volume.barrels.baseline.p95 - volume.barrels.baseline.p50
    )
    down = common_share(
        [q.p50 - q.p05 for q in every], volume.barrels.baseline.p50 - volume.barrels.baseline.p05
    )
    steps: list[Step] = []
    counted: list[Quantiles] = []
    for when, name in timed:
        if when.astimezone(UTC).year != year:
            continue
        counted.append(barrels[name])
        middle = scale * math.fsum(q.p50 for q in counted)
        high = middle + joint_width([q.p95 - q.p50 for q in counted], up)
        low = max(middle - joint_width([q.p50 - q.p05 for q in counted], down), 0.0)
        steps.append(Step(when=when, visit_id=name, low=low, middle=middle, high=high))
    return tuple(steps)


def joint_width(widths: Sequence[float], common: float) -> float:
    """Half-width of a sum of which the share `common` of the squared error is one shared error."""
    linear, square = math.fsum(widths), math.fsum(w * w for w in widths)
    return math.sqrt(max(common * linear**2 + (1.0 - common) * square, 0.0))


def common_share(widths: Sequence[float], whole: float) -> float:
    """The share, 0..1, with which `joint_width(widths, share)` comes nearest to `whole`."""
    linear, square = math.fsum(widths) ** 2, math.fsum(w * w for w in widths)
    if linear <= square * (1 + 1e-9):
        return 0.0
    return min(max((whole**2 - square) / (linear - square), 0.0), 1.0)
