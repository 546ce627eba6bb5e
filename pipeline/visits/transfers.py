"""Ships that lay side by side: what goes from one hull into another is one visit's oil, counted once.

Two hulls abreast at anchor, or a ship at anchor beside one that was at the berth, are a transfer. The ship
that was at the berth is the visit; of two that never were, the one that took. A ship that several others lie
beside in turn gives or stores: the others are the visits. Two ships that were both at the berth are two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import combinations
from math import cos, radians, sin

import numpy as np

from pipeline.geometry import axis_between
from pipeline.products import Alongside, Visit
from pipeline.readings import Estimate
from pipeline.visits.calls import Budget, Call, Partner, estimate_cargo, seen_as
from pipeline.visits.sightings import METRES_PER_DEGREE, Pass, Sighting

APART = 15.0
"""Water between two sides at the most: fenders are two to five metres, outlines err by as much [m]."""
PARALLEL = 15.0
"""Between two ships made fast to one another [deg]."""
ABREAST = 0.5
"""Of the shorter length that lies beside the other hull at the least [1]."""
Times = dict[tuple[int, int], list[datetime]]


def lie_beside(first: Sighting, second: Sighting) -> bool:
    """Whether two hulls of one look lie abreast, close enough to be made fast to one another."""
    one, other = first.ship, second.ship
    if axis_between(one.heading, other.heading) > PARALLEL:
        return False
    north = METRES_PER_DEGREE * (second.centre[1] - first.centre[1])
    scale = METRES_PER_DEGREE * cos(radians(first.centre[1]))
    east = scale * (second.centre[0] - first.centre[0])
    ahead = sin(radians(one.heading)), cos(radians(one.heading))
    along, across = abs(east * ahead[0] + north * ahead[1]), abs(east * ahead[1] - north * ahead[0])
    common = min((one.length + other.length) / 2 - along, one.length, other.length)
    return across - (one.beam + other.beam) / 2 <= APART and common >= ABREAST * min(one.length, other.length)


def join_transfers(calls: Sequence[Call | None], passes: Sequence[Pass]) -> list[Call | None]:
    """The calls, each ship that is part of another's visit put into that one; None in her own place."""
    times = _beside(calls, passes)
    joined = list(calls)
    for group in _groups(times):
        for leader, partners in _share(group, calls, times):
            call = calls[leader]
            assert call is not None
            known = [_partner(calls[k], times[min(k, leader), max(k, leader)]) for k in partners]
            flags = call.flags if "ship-to-ship" in call.flags else (*call.flags, "ship-to-ship")
            joined[leader] = replace(call, partners=tuple(p for p in known if p is not None), flags=flags)
            for k in partners:
                joined[k] = None
    return joined


def _beside(calls: Sequence[Call | None], passes: Sequence[Pass]) -> Times:
    """When each pair of calls, by their places, lay side by side."""
    owner = {
        (s.scene_id, s.ship.id): k
        for k, call in enumerate(calls)
        if call is not None
        for s in call.track.sightings
    }
    found: Times = {}
    for look in passes:
        seen = [(owner[key], s) for s in look.sightings if (key := (s.scene_id, s.ship.id)) in owner]
        for (i, one), (k, other) in combinations(seen, 2):
            if i != k and lie_beside(one, other):
                found.setdefault((min(i, k), max(i, k)), []).append(look.time)
    return found


def _groups(times: Times) -> list[list[int]]:
    """Calls that hang together, in the order of their places."""
    groups: list[set[int]] = []
    for pair in times:
        mine = [g for g in groups if not g.isdisjoint(pair)]
        groups = [g for g in groups if g.isdisjoint(pair)] + [set(pair).union(*mine)]
    return sorted(sorted(g) for g in groups)


def _share(group: Sequence[int], calls: Sequence[Call | None], times: Times) -> list[tuple[int, list[int]]]:
    """(the visit, those that are part of it) of a group."""
    near = {k: [j for j in group if (min(j, k), max(j, k)) in times] for k in group}
    berthed = [k for k in group if _berthed(calls[k])]
    if berthed:
        found = [(k, [j for j in near[k] if not _berthed(calls[j])]) for k in berthed]
        return [(k, partners) for k, partners in found if partners]
    hub = max(group, key=lambda k: (len(near[k]), -_fullness(calls[k]), -k))
    return [(k, [hub]) for k in near[hub]]


def _berthed(call: Call | None) -> bool:
    return call is not None and call.berth_id is not None


def _fullness(call: Call | None) -> float:
    """How full she was at the last look; nil where she was in ballast or not measured [1]."""
    if call is None or call.departure is None:
        return 0.0
    return float(call.departure.fraction.mean())


def _partner(call: Call | None, times: Sequence[datetime]) -> Partner | None:
    return None if call is None else Partner(call=call, first=min(times), last=max(times))


# -------------------------------------------------------------------------------------------- her cargo


def add_partners(visit: Visit, call: Call) -> Visit:
    """The visit with the ships that lay beside her, and what they took where her own load has it no more.

    A partner's cargo is added where she was measured after they had parted: then hers is what remained. Where
    she was measured before, hers has the partner's in it.
    """
    cargo, budget, capacity = visit.cargo_loaded, visit.budget, visit.capacity
    written = []
    for partner in call.partners:
        other = partner.call
        left = other.departure if other.measured else None
        after = call.measured and call.departure is not None and call.departure.looks[-1].time > partner.last
        counted = left is not None and after
        if left is not None and counted:
            cargo, budget = _sum((cargo, budget), (estimate_cargo(left), left.budget))
            capacity = None if capacity is None else _sum((capacity, ()), (left.capacity, ()))[0]
        pairs = seen_as(other)
        written.append(
            Alongside(
                identity=other.identity,
                scene_ids=tuple(scene for scene, _ in pairs),
                detection_ids=tuple(found for _, found in pairs),
                first_beside=partner.first,
                last_beside=partner.last,
                cargo=None if left is None else estimate_cargo(left),
                counted=counted,
            )
        )
    return replace(visit, cargo_loaded=cargo, budget=budget, capacity=capacity, alongside=tuple(written))


def _sum(one: tuple[Estimate, Budget], other: tuple[Estimate, Budget]) -> tuple[Estimate, Budget]:
    """Two cargoes as one; their errors are different ships' [t]."""
    sigma = float(np.hypot(one[0].sigma, other[0].sigma))
    value = one[0].value + other[0].value
    terms = {name: 0.0 for name, _ in (*one[1], *other[1])}
    for name, size in (*one[1], *other[1]):
        terms[name] = float(np.hypot(terms[name], size))
    ranked = sorted(terms.items(), key=lambda item: (-item[1], item[0]))
    interval = max(value - 1.645 * sigma, 0.0), value + 1.645 * sigma
    return Estimate(value=value, sigma=sigma, interval90=interval), tuple(ranked)
