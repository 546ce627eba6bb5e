"""Detections over time to visits, coverage and the posterior of what was not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.config import Config
from pipeline.datatypes import Flag, Identity, Ship, SignedIdentity, Site
from pipeline.products import (
    Coverage,
    MonthCoverage,
    SceneResult,
    VisitsDocument,
)
from pipeline.visits.calls import Call, read_call, seen_as, usual_fill, write_visit
from pipeline.visits.clocks import find_clock_doubts
from pipeline.visits.hulls import Seen, list_earlier, rank_together
from pipeline.visits.sightings import Pass, list_passes
from pipeline.visits.tracks import Track, join_sightings
from pipeline.visits.transfers import add_partners, join_transfers
from pipeline.visits.unseen import infer_season

Array = npt.NDArray[np.float64]

DAY = 86_400.0
LIKELY = 0.5
"""Probability from which a first name is asked whether she can be there [1]."""


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
    passes, tracks, calls = _read_calls(results, site, fleet, config, signed)
    calls, one_ship = _name_calls(calls, fleet, config)
    joined = join_transfers(calls, passes)
    unseen, parted = infer_season(tracks, joined, passes, site, fleet, config)
    places = [k for k, call in enumerate(joined) if call is not None]
    visits = [
        replace(call, merged_probability=parted.get(k, 0.0))
        for k, call in enumerate(joined)
        if call is not None
    ]
    known = [k for k, call in enumerate(calls) if call is not None]
    rows = [known.index(k) for k in places]
    one_ship = one_ship[np.ix_(rows, rows)]
    usual = usual_fill(visits, config=config)
    names = _name_visits(visits)
    earlier = list_earlier(names, one_ship)
    return VisitsDocument(
        visits=tuple(
            add_partners(
                replace(write_visit(call, name, usual, site, fleet, config=config), earlier=before), call
            )
            for call, name, before in zip(visits, names, earlier, strict=True)
        ),
        coverage=_coverage(passes, site),
        unseen=unseen,
        flags=(
            *_flags(results, visits, usual.departures),
            *_doubts(passes, visits, names),
            *find_clock_doubts([r for r in results if r.site in (None, site.id)]),
        ),
        simulated=site.simulated or any(r.simulated for r in results),
    )


def name_sightings(
    results: Sequence[SceneResult],
    site: Site,
    fleet: Sequence[Ship],
    *,
    config: Config,
    signed: Sequence[SignedIdentity] = (),
) -> dict[tuple[str, str], tuple[Identity, ...]]:
    """Who each sighting of a visit shows, by scene_id and detection id, as the whole season has it."""
    _, _, calls = _read_calls(results, site, fleet, config, signed)
    named, _ = _name_calls(calls, fleet, config)
    return {pair: call.identity for call in named if call is not None for pair in seen_as(call)}


def _read_calls(
    results: Sequence[SceneResult],
    site: Site,
    fleet: Sequence[Ship],
    config: Config,
    signed: Sequence[SignedIdentity],
) -> tuple[tuple[Pass, ...], tuple[Track, ...], list[Call | None]]:
    """Passes, tracks, and the call behind each track."""
    passes = list_passes(results, site, signed)
    tracks = join_sightings(passes, fleet, config=config.visits)
    return passes, tracks, [read_call(track, passes, fleet, site, config=config) for track in tracks]


def _name_calls(
    calls: Sequence[Call | None], fleet: Sequence[Ship], config: Config
) -> tuple[list[Call | None], Array]:
    """The calls with who they are, told together, and the probability that two of them are one ship's."""
    visits = [call for call in calls if call is not None]
    ranked, one_ship = rank_together([_seen(call) for call in visits], fleet, config=config.visits)
    named = iter(ranked)
    return [None if call is None else replace(call, identity=next(named)) for call in calls], one_ship


def _seen(call: Call) -> Seen:
    """What a call says of who she is; decks from her two finest looks."""
    sightings = call.track.sightings
    decks = [s.ship.appearance for s in sightings if s.ship.appearance is not None]
    return Seen(
        size=call.track.size(),
        looks=tuple(sorted(decks, key=lambda deck: deck.gsd)[:2]),
        first=sightings[0].time,
        last=sightings[-1].time,
        signed=call.track.signed,
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


def _doubts(passes: Sequence[Pass], calls: Sequence[Call], names: Sequence[str]) -> tuple[Flag, ...]:
    """Looks that count as one, looks that contradict each other, one ship in two places."""
    flags = []
    together = [p for p in passes if len(p.scenes) > 1]
    if together:
        scenes = sum(len(p.scenes) for p in together)
        message = f"{scenes} scenes within minutes of each other count as {len(together)} looks"
        flags.append(Flag(code="one-look", message=message))
    flags += [
        Flag(
            code="looks-disagree",
            message=f"berth {berth} is taken in one and empty in another of {', '.join(p.scenes)}: counted as"
            " taken",
        )
        for p in together
        for berth in p.disagree
    ]
    for k, call in enumerate(calls):
        for j in range(k):
            if _in_two_places(calls[j], call):
                who = call.identity[0].name
                message = f"{who} is the likeliest name of {names[j]} and {names[k]}, which overlap"
                flags.append(Flag(code="in-two-places", message=message))
    return tuple(flags)


def _in_two_places(first: Call, second: Call) -> bool:
    """Whether two visits have one likely name and were seen at overlapping times."""
    one, other = first.identity[0], second.identity[0]
    if one.name is None or (one.imo, one.name) != (other.imo, other.name):
        return False
    if min(one.probability, other.probability) < LIKELY:
        return False
    early, late = first.track.sightings, second.track.sightings
    return early[0].time <= late[-1].time and late[0].time <= early[-1].time
