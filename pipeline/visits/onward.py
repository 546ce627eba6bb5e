"""What a voyage says of the visit that it began with: when she had left, and what she carried.

A sighting at another place bounds the departure from above. A reading there, before she discharged, is one
more of the same cargo: what belongs to the ship, her deck edge or load line, is wrong by as much in both,
what belongs to a look averages out. She burns fuel on the way, which the reading takes for cargo that is
gone. Less there than here, by more than the looks err, is a ship that has begun to discharge, and says
nothing; more is one that went on loading after she was last seen. All of it counts as far as the voyage is
likely.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import hypot

import numpy as np

from pipeline.products import DetectionResult, SceneResult, Visit, Voyage
from pipeline.readings import Estimate
from pipeline.visits.calls import SAME_IN_BOTH, Budget
from pipeline.visits.fill import LADEN_FROM, State, combine_looks
from pipeline.visits.sightings import Sighting, centre_of
from pipeline.visits.voyages import SHORTEST

LIKELY = 0.8
"""Probability from which a voyage tightens the visit that it began with [1]."""
BURNT, BURNT_SIGMA = 0.002, 0.001
"""Fuel a day under way, of her capacity: some ten tonnes for a ship of 5,000 t; general knowledge [1/day]."""
APART = 2.0
"""Sigmas of the looks' own errors beyond which two readings show two loads."""
DAY = 86_400.0
Ships = Mapping[tuple[str, str], tuple[SceneResult, DetectionResult]]


def tighten_visits(
    visits: Sequence[Visit],
    elsewhere: Sequence[Visit],
    voyages: Sequence[Voyage],
    results: Sequence[SceneResult],
) -> tuple[Visit, ...]:
    """The visits with what the likeliest call of each voyage says of departure and cargo.

    Parameters
    ----------
    visits, elsewhere
        Of the terminal, and of the other sites.
    voyages
        As `join_voyages` has them.
    results
        The scenes behind both.

    Returns
    -------
    tuple of Visit
        In the order given. Flags say what was done: `departure-bounded-elsewhere`, `read-elsewhere` (cargo
        from both readings, or from the other place alone), `discharging-elsewhere` (not used).
    """
    ships: Ships = {(r.scene_id, d.id): (r, d) for r in results for d in r.detections}
    calls = {visit.visit_id: visit for visit in elsewhere}
    onward = {v.visit_id: v.calls[0] for v in voyages if v.calls and v.calls[0].probability >= LIKELY}
    found = []
    for visit in visits:
        link = onward.get(visit.visit_id)
        if link is not None:
            call = calls[link.visit_id]
            visit = _bound(visit, call)
            reading = _first_reading(call, ships)
            if reading is not None:
                visit = _read_again(visit, reading, link.probability)
        found.append(visit)
    return tuple(found)


def _bound(visit: Visit, call: Visit) -> Visit:
    """She left the one place before she was seen in the other, by the shortest voyage at least."""
    first, last = visit.departure_window
    seen = call.arrival_window[1] - timedelta(days=SHORTEST)
    if (last is not None and last <= seen) or seen < first:
        return visit
    flags = (*visit.flags, "departure-bounded-elsewhere")
    return replace(visit, departure_window=(first, seen), flags=flags)


def _first_reading(call: Visit, ships: Ships) -> State | None:
    """What her first look there says, where it measured her."""
    pairs = zip(call.scene_ids, call.detection_ids, strict=False)
    seen = [(r.datetime, r, d) for r, d in (ships[p] for p in pairs if p in ships) if r.datetime is not None]
    if not seen:
        return None
    time, result, ship = min(seen, key=lambda s: (s[0], s[1].scene_id, s[2].id))
    return _state(time, result, ship)


def _state(time: datetime, result: SceneResult, ship: DetectionResult) -> State | None:
    if ship.freeboard is None or ship.load is None or ship.load.table is None:
        return None
    look = Sighting(
        time=time,
        scene_id=result.scene_id,
        ship=ship,
        gsd=result.gsd or 10.0,
        centre=centre_of(ship.outline),
        berth_id=ship.berth_id,
    )
    state = combine_looks((look,))
    return None if state.in_ballast else state


def _read_again(visit: Visit, reading: State, probability: float) -> Visit:
    """The visit with her cargo from both places; from the other alone where nobody measured it here."""
    days = max((reading.looks[0].time - visit.departure_window[0]).total_seconds() / DAY, 0.0)
    burnt = BURNT * days * reading.capacity.value, BURNT_SIGMA * days * reading.capacity.value
    there = float(reading.cargo.mean()) + burnt[0]
    terms = dict(reading.budget) | {"burnt": burnt[1]}
    if visit.status == "imputed":
        if float(reading.fraction.mean()) < LADEN_FROM:
            return visit
        new = replace(
            visit,
            cargo_loaded=_estimate(there, terms),
            budget=_ranked(terms),
            capacity=reading.capacity,
            departure=reading.fill(),
            status="measured",
            evidence="pair" if visit.arrival is not None else "single-laden",
        )
        return _mixed(visit, new, probability)
    here = visit.cargo_loaded.value
    own = _own(dict(visit.budget)), _own(terms)
    difference = there - here
    if difference < -APART * hypot(*own):
        return replace(visit, flags=(*visit.flags, "discharging-elsewhere"))
    weight = own[0] ** 2 / max(own[0] ** 2 + own[1] ** 2, 1e-9)
    if difference > APART * hypot(*own):
        weight = 1.0  # she went on loading after her last look here
    spread = hypot((1 - weight) * own[0], weight * own[1]) / max(own[0], 1e-9)
    joint = {n: s if n in SAME_IN_BOTH else s * spread for n, s in visit.budget}
    new = replace(visit, cargo_loaded=_estimate(here + weight * difference, joint), budget=_ranked(joint))
    return _mixed(visit, new, probability)


def _own(terms: Mapping[str, float]) -> float:
    """What of a budget is not the ship's own [t]."""
    return float(np.sqrt(sum(size**2 for name, size in terms.items() if name not in SAME_IN_BOTH)))


def _mixed(old: Visit, new: Visit, probability: float) -> Visit:
    """The new cargo as far as the voyage is likely, the doubt a term of the budget."""
    change = new.cargo_loaded.value - old.cargo_loaded.value
    doubt = float(np.sqrt(probability * (1 - probability))) * abs(change)
    terms = dict(new.budget) | {"voyage": doubt}
    value = old.cargo_loaded.value + probability * change
    flags = (*new.flags, "read-elsewhere")
    return replace(new, cargo_loaded=_estimate(value, terms), budget=_ranked(terms), flags=flags)


def _estimate(value: float, terms: Mapping[str, float]) -> Estimate:
    sigma = float(np.sqrt(sum(size**2 for size in terms.values())))
    return Estimate(
        value=value, sigma=sigma, interval90=(max(value - 1.645 * sigma, 0.0), value + 1.645 * sigma)
    )


def _ranked(terms: Mapping[str, float]) -> Budget:
    ranked = sorted(terms.items(), key=lambda item: (-item[1], item[0]))
    return tuple((name, size) for name, size in ranked if size >= 1.0)
