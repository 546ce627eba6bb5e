"""One track as one visit: windows, evidence, fills, and the cargo that left."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.config import Config
from pipeline.datatypes import Identity, Ship, Site
from pipeline.products import Visit
from pipeline.readings import Estimate
from pipeline.visits.capacity import estimate_capacity
from pipeline.visits.fill import (
    LADEN_FROM,
    PART_FROM,
    State,
    first_state,
    held_still,
    last_state,
    measured_looks,
)
from pipeline.visits.identity import bind_identity, rank_identities
from pipeline.visits.impute import UsualFill, fill_up, impute_cargo, impute_fill, pool_fills, still_loading
from pipeline.visits.loading import Loading, find_loading
from pipeline.visits.sightings import Pass, Sighting
from pipeline.visits.tracks import Track

AT_BERTH, AT_ANCHOR = 0.3, 0.5
"""Least probability of a tanker that makes a visit: whoever lies at an oil berth, or only at anchor [1]."""
SETTLED_AFTER = timedelta(hours=3)
"""A deck that did not move for so long is not being loaded."""
POOLING_ROUNDS = 4
SURE_OF_CARGO = 0.1
"""Probability of ballast below which a deck that does not move at the berth shows a part cargo; else she may
lie there in ballast, and wait [1]."""
SAME_IN_BOTH = frozenset(
    {"deck-edge", "load-line", "deadweight", "length", "beam", "block", "waterplane", "water-density"}
)
"""Terms that a ship's arrival and departure share."""
Array = npt.NDArray[np.float64]
Budget = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Partner:
    """A ship that lay beside another, and whose call is part of that one's."""

    call: Call
    first: datetime
    last: datetime
    """When they were seen side by side."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """A track with what was measured of it; a visit but for the fills of its fellows."""

    track: Track
    identity: tuple[Identity, ...]
    arrival: State | None
    """In ballast, at the first measured looks."""
    departure: State | None
    """Loaded, at the last measured looks."""
    retained: State | None
    """Part laden at anchor, before she was at a berth: cargo that she brought."""
    arrival_window: tuple[datetime, datetime]
    departure_window: tuple[datetime, datetime | None]
    flags: tuple[str, ...]
    loading: Loading | None = None
    merged_probability: float = 0.0
    partners: tuple[Partner, ...] = ()

    @property
    def laden(self) -> bool:
        """Whether the last look shows a departure."""
        return self.departure is not None and float(self.departure.fraction.mean()) >= LADEN_FROM

    @property
    def settled(self) -> bool:
        """Whether loading was over at the last look: she lay at anchor, or an earlier look agrees with it."""
        if self.departure is None:
            return False
        looks = self.departure.looks
        return (looks[-1].time - looks[0].time >= SETTLED_AFTER and held_still(looks)) or self.came_away

    @property
    def came_away(self) -> bool:
        """Whether she was measured at anchor after she had been at a berth."""
        if self.departure is None:
            return False
        last = self.departure.looks[-1]
        return last.berth_id is None and any(
            s.berth_id is not None and s.time < last.time for s in self.track.sightings
        )

    @property
    def measured(self) -> bool:
        """Whether what she left with was measured: laden, or with a part cargo once loading was over."""
        if self.departure is None or not self.part_laden:
            return self.laden
        sure = self.departure.ballast_probability < SURE_OF_CARGO
        return self.came_away or (self.settled and sure)

    @property
    def part_laden(self) -> bool:
        """Whether the last look shows a part cargo."""
        return self.departure is not None and PART_FROM <= float(self.departure.fraction.mean()) < LADEN_FROM

    @property
    def berth_id(self) -> str | None:
        """Where she lay last; None = she was only seen at anchor."""
        berths = [s.berth_id for s in self.track.sightings if s.berth_id is not None]
        return berths[-1] if berths else None


def read_call(
    track: Track, passes: Sequence[Pass], fleet: Sequence[Ship], site: Site, *, config: Config
) -> Call | None:
    """The call behind a track, or None where she is no tanker or was merely at anchor.

    A ship that was only ever seen at anchor is a visit where she is a tanker and either a load was measured
    or the register knows her; she is flagged. Whoever is neither is taken for somebody else's ship.
    """
    signed = track.signed
    if signed is None:
        identity = rank_identities(track.size(), fleet, config=config.visits)
    else:
        identity = bind_identity(signed, fleet)
    looks = measured_looks(track.sightings)
    berths = {s.berth_id for s in track.sightings if s.berth_id is not None}
    named = signed is not None and signed.imo is not None
    if not named and track.size().tanker_probability < (AT_BERTH if berths else AT_ANCHOR):
        return None
    listed = any(entry.name is not None for entry in identity[:1])
    if not berths and not looks and not listed:
        return None
    arrival = first_state(looks) if looks else None
    departure = last_state(looks) if looks else None
    early, late = arrival_window(track, passes, config), departure_window(track, passes)
    return Call(
        track=track,
        identity=identity,
        arrival=arrival if arrival is not None and arrival.in_ballast else None,
        departure=departure if departure is not None and not departure.in_ballast else None,
        retained=_before_berth(looks, track),
        arrival_window=early,
        departure_window=late,
        flags=_flags(track, passes, site, berths),
        loading=find_loading(looks),
    )


def _before_berth(looks: Sequence[Sighting], track: Track) -> State | None:
    """A part cargo at anchor, measured before she was seen at a berth; None where there was none."""
    berthed = [s.time for s in track.sightings if s.berth_id is not None]
    early = [s for s in looks if berthed and s.time < berthed[0]]
    if not early:
        return None
    state = first_state(early)
    return state if not state.in_ballast and float(state.fraction.mean()) >= PART_FROM else None


def _flags(track: Track, passes: Sequence[Pass], site: Site, berths: set[str]) -> tuple[str, ...]:
    unverified = {f.id for f in site.of_role("berth") if not f.verified}
    flags = []
    if berths & unverified:
        flags.append("berth-unverified")
    if track.signed is not None:
        flags.append("identity-signed")
    if not berths:
        flags.append("anchorage-only")
    if _before_berth(measured_looks(track.sightings), track) is not None:
        flags.append("arrived-part-laden")
    if _seen_before(track.sightings[0], passes) is None:
        flags.append("arrival-open")
    return tuple(flags)


def _seen_before(first: Sighting, passes: Sequence[Pass]) -> datetime | None:
    """The last look before a sighting that would have shown her."""
    start = bisect_left(passes, first.time, key=_time_of)
    return next((p.time for p in reversed(passes[:start]) if _would_show(p, first)), None)


def _time_of(look: Pass) -> datetime:
    return look.time


def _would_show(look: Pass, sighting: Sighting) -> bool:
    if sighting.berth_id is not None:
        return look.shows(sighting.berth_id)
    return look.covers(sighting.centre)


def arrival_window(track: Track, passes: Sequence[Pass], config: Config) -> tuple[datetime, datetime]:
    """From the last usable look without her, or the longest stay, to the first with her."""
    first = track.sightings[0]
    before = _seen_before(first, passes)
    longest = first.time - timedelta(days=config.visits.max_stay_days)
    return (longest if before is None else max(before, longest)), first.time


def departure_window(track: Track, passes: Sequence[Pass]) -> tuple[datetime, datetime | None]:
    """From the last look with her to the first usable one without; open while there was none."""
    last = track.last
    later = passes[bisect_right(passes, last.time, key=_time_of) :]
    return last.time, next((p.time for p in later if _would_show(p, last)), None)


Evidence = Literal["pair", "single-laden", "single-arrival", "part-loaded", "seen-only"]


def evidence_of(call: Call) -> Evidence:
    """The contract's word for what was seen."""
    if call.departure is not None and call.laden:
        return "pair" if call.arrival is not None or call.retained is not None else "single-laden"
    if call.departure is not None and float(call.departure.fraction.mean()) >= PART_FROM:
        return "part-loaded"
    return "single-arrival" if call.arrival is not None else "seen-only"


def write_visit(
    call: Call, visit_id: str, usual: UsualFill, site: Site, fleet: Sequence[Ship], *, config: Config
) -> Visit:
    """The visit of a call; cargo is the departure's where it was measured, else imputed.

    Never departure less arrival: she came with ballast water, not with nothing. The arrival proves her empty,
    or finds cargo that she brought; that alone is taken off.
    """
    evidence = evidence_of(call)
    departure, arrival = call.departure, call.arrival or call.retained
    most = 1.0 if call.loading is None else call.loading.at_most(call.departure_window[1])
    if departure is not None and call.measured:
        if not call.settled:
            departure = finish_loading(departure, usual, at_most=most)
        cargo, budget = estimate_cargo(departure), departure.budget
        capacity, fill = departure.capacity, departure.fill()
    else:
        capacity, fill = _capacity(call, fleet, config), None
        cargo, budget = impute_cargo(_imputed_fill(call, usual, at_most=most), capacity)
    if call.retained is not None:
        cargo, budget = less_retained(cargo, budget, call.retained)
    seen = seen_as(call)
    return Visit(
        visit_id=visit_id,
        site=site.id,
        berth_id=call.berth_id,
        identity=call.identity,
        arrival_window=call.arrival_window,
        departure_window=call.departure_window,
        scene_ids=tuple(scene for scene, _ in seen),
        evidence=evidence,
        arrival=None if arrival is None else arrival.fill(),
        departure=fill,
        cargo_loaded=cargo,
        status="measured" if call.measured else "imputed",
        detection_ids=tuple(found for _, found in seen),
        budget=budget,
        capacity=capacity,
        flags=call.flags,
        merged_probability=call.merged_probability,
        loading_rate=None if call.loading is None else call.loading.rate,
    )


def seen_as(call: Call) -> list[tuple[str, str]]:
    """(scene_id, detection id) of all her sightings, copies included."""
    return [pair for s in call.track.sightings for pair in ((s.scene_id, s.ship.id), *s.copies)]


def finish_loading(state: State, usual: UsualFill, *, at_most: float = 1.0) -> State:
    """The state on departure of a ship that may have been loading still when she was last measured."""
    fraction = fill_up(state.fraction, float(state.fraction.std()), usual, at_most=at_most)
    added = (fraction - state.fraction) * state.capacity.value
    budget = [*state.budget, ("still-loading", float(added.std()))]
    budget.sort(key=lambda item: (-item[1], item[0]))
    return replace(
        state,
        fraction=fraction,
        cargo=state.cargo + added,
        budget=tuple((name, sigma) for name, sigma in budget if sigma >= 1.0),
    )


def less_retained(cargo: Estimate, budget: Budget, retained: State) -> tuple[Estimate, Budget]:
    """What was loaded here: cargo on departure less what she brought.

    What is the ship's own, her deck edge or load line, is wrong by much the same in both and goes out with
    the difference; what belongs to a look adds up.
    """
    brought = dict(retained.budget)
    terms = dict(budget)
    sizes = {
        term: abs(terms.get(term, 0.0) - brought.get(term, 0.0))
        if term in SAME_IN_BOTH
        else float(np.hypot(terms.get(term, 0.0), brought.get(term, 0.0)))
        for term in {*terms, *brought}
    }
    value = max(cargo.value - float(retained.cargo.mean()), 0.0)
    sigma = float(np.sqrt(sum(size**2 for size in sizes.values())))
    interval = max(value - 1.645 * sigma, 0.0), min(value + 1.645 * sigma, cargo.interval90[1])
    ranked = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    return Estimate(value=value, sigma=sigma, interval90=interval), tuple(t for t in ranked if t[1] >= 1.0)


def usual_fill(calls: Sequence[Call], *, config: Config) -> UsualFill:
    """The port's usual fill from its measured departures, each for as much as loading was over by then."""
    prior = config.visits.fill_mean, config.visits.fill_sigma
    usual = pool_fills((), mean=prior[0], sigma=prior[1])
    for _ in range(POOLING_ROUNDS):
        fills = [
            (*_spread(c.departure), _over(c, usual)) for c in calls if c.departure is not None and c.laden
        ]
        parts = [
            _over(c, usual) * (1 - c.departure.ballast_probability)
            for c in calls
            if c.departure is not None and c.part_laden
        ]
        usual = pool_fills(fills, mean=prior[0], sigma=prior[1], parts=parts)
    return usual


def _spread(state: State) -> tuple[float, float]:
    return float(state.fraction.mean()), float(state.fraction.std())


def _over(call: Call, usual: UsualFill) -> float:
    """Probability that loading was over at the last look."""
    if call.settled or call.departure is None:
        return 1.0
    fraction = call.departure.fraction
    return 1.0 - float(still_loading(fraction, float(fraction.std()), usual).mean())


def _capacity(call: Call, fleet: Sequence[Ship], config: Config) -> Estimate:
    """From a measured look where there is one, else from who she may be and her size."""
    state = call.departure or call.arrival
    if state is not None:
        return state.capacity
    share = config.load.consumables_share
    return estimate_capacity(call.identity, call.track.size(), fleet, consumables_share=share)


def _imputed_fill(call: Call, usual: UsualFill, *, at_most: float) -> Array:
    """(samples,) fills on departure; what was in her at the last look she does not leave with less of."""
    state = call.departure
    if state is None or not call.part_laden:
        return impute_fill(usual, at_most=at_most)
    return fill_up(state.fraction, float(state.fraction.std()), usual, at_most=at_most)


def estimate_cargo(state: State) -> Estimate:
    """Mean, spread and interval of a state's cargo [t]."""
    low, high = np.quantile(state.cargo, [0.05, 0.95])
    return Estimate(
        value=float(state.cargo.mean()),
        sigma=float(state.cargo.std()),
        interval90=(float(low), float(high)),
    )
