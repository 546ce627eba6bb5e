"""Sightings joined into tracks: the same ship in consecutive usable looks.

At every pass each ship that may still be there is compared with each ship that was seen, by length, beam,
place and heading against what chance would bring, and with how long ships stay. A look that shows her berth
without her ends the track; a cloud does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import exp, log, sqrt

from pipeline.config import VisitsConfig
from pipeline.geometry import angle_between, axis_between
from pipeline.visits.identity import Size
from pipeline.visits.sightings import Pass, Sighting, distance

CHANCE_LENGTH, CHANCE_BEAM = 30.0, 5.0
"""Spread of the difference between two unrelated ships [m]."""
OUTLINE_SIGMA = 1.0
"""What an outline adds from look to look: wakes, fenders, pixels [m]."""
SAME_PLACE, OTHER_PLACE = 10.0, 25.0
"""Spread of position at a berth: the same ship with errors of georeference, and another ship [m]."""
SAME_AXIS = 6.0
"""Spread of the heading of a ship alongside [deg]."""
ARRIVALS_PER_DAY = 0.2
"""Rough rate at which a berth that fell free is taken again; only weighs who is meant [1/day]."""
TO_BERTH, TO_ANCHOR, TO_OTHER_BERTH = -1.5, -2.5, -4.0
"""Log odds that a ship shifts so within one call, against another ship of her size turning up."""
LADEN_TO_BERTH = -4.0
"""Further log odds where she had already loaded."""
ANCHORS_WITHIN = 1.5
"""After the berth was seen without her, she is looked for at anchor for so long [days]."""
WORST = -8.0
DISCHARGED = 6.0
"""Against a laden ship turning up in ballast within one call at a loading port; as log odds."""


@dataclass(slots=True)
class Track:
    """A ship's stay in the making; private to this stage."""

    sightings: list[Sighting]
    gone_by: datetime | None = None
    """The first look that shows her berth without her."""
    open: bool = True
    length: float = field(default=0.0)
    length_sigma: float = field(default=0.0)
    beam: float = field(default=0.0)
    beam_sigma: float = field(default=0.0)

    def __post_init__(self) -> None:
        self._measure()

    def add(self, sighting: Sighting) -> None:
        """Join a later sighting; a ship seen again was not gone."""
        self.sightings.append(sighting)
        self.gone_by, self.open = None, True
        self._measure()

    def _measure(self) -> None:
        """Length and beam by inverse variance."""
        ships = [s.ship for s in self.sightings]
        self.length, self.length_sigma = _pool([(s.length, s.length_sigma) for s in ships])
        self.beam, self.beam_sigma = _pool([(s.beam, s.beam_sigma) for s in ships])

    @property
    def last(self) -> Sighting:
        """The latest sighting."""
        return self.sightings[-1]

    def size(self) -> Size:
        """What all looks together say of her."""
        odds = sum(_logit(s.ship.tanker_probability) for s in self.sightings)
        return Size(
            length=self.length,
            length_sigma=self.length_sigma,
            beam=self.beam,
            beam_sigma=self.beam_sigma,
            tanker_probability=1 / (1 + exp(-odds)),
        )


def _pool(values: Sequence[tuple[float, float]]) -> tuple[float, float]:
    weights = [1 / (max(sigma, 0.1) ** 2 + OUTLINE_SIGMA**2 / 4) for _, sigma in values]
    total = sum(weights)
    return sum(w * v for w, (v, _) in zip(weights, values, strict=True)) / total, 1 / sqrt(total)


def _logit(probability: float) -> float:
    p = min(max(probability, 0.05), 0.95)
    return log(p / (1 - p))


def join_sightings(passes: Sequence[Pass], *, config: VisitsConfig) -> tuple[Track, ...]:
    """Every ship's stay, in the order of first sighting."""
    tracks: list[Track] = []
    for look in passes:
        _expire(tracks, look.time, config)
        left = list(look.sightings)
        for track, sighting in _match(tracks, left, look, config):
            track.add(sighting)
            left.remove(sighting)
        for track in tracks:
            here = track.last.berth_id
            if track.open and track.last.time < look.time and here is not None and look.shows(here):
                track.gone_by, track.open = look.time, False
        tracks.extend(Track(sightings=[sighting]) for sighting in left)
    return tuple(tracks)


def _expire(tracks: Sequence[Track], now: datetime, config: VisitsConfig) -> None:
    for track in tracks:
        if track.open and _days(track.last.time, now) > config.max_stay_days:
            track.open = False


def _match(
    tracks: Sequence[Track], seen: Sequence[Sighting], look: Pass, config: VisitsConfig
) -> list[tuple[Track, Sighting]]:
    """Pairs of track and sighting that are the same ship, the surest first."""
    scored: list[tuple[float, int, int]] = []
    for i, track in enumerate(tracks):
        if _days(track.last.time, look.time) > config.max_stay_days:
            continue
        for k, sighting in enumerate(seen):
            score = _score(track, sighting, config)
            if score > 0:
                scored.append((-score, i, k))
    pairs: list[tuple[Track, Sighting]] = []
    taken: tuple[set[int], set[int]] = (set(), set())
    for _, i, k in sorted(scored):
        if i not in taken[0] and k not in taken[1]:
            pairs.append((tracks[i], seen[k]))
            taken[0].add(i)
            taken[1].add(k)
    return pairs


def _score(track: Track, sighting: Sighting, config: VisitsConfig) -> float:
    """Log odds that a sighting is the ship of a track; -inf where it cannot be."""
    same_place = track.last.berth_id == sighting.berth_id
    if not track.open and (same_place or not _just_left(track, sighting)):
        return float("-inf")
    ship = sighting.ship
    fit = _likeness(track.length - ship.length, (track.length_sigma, ship.length_sigma), CHANCE_LENGTH)
    fit += _likeness(track.beam - ship.beam, (track.beam_sigma, ship.beam_sigma), CHANCE_BEAM)
    if _was_laden(track) and _in_ballast(sighting):
        fit -= DISCHARGED
    if not same_place:
        return fit + _shift_odds(track, sighting)
    gap = _days(track.last.time, sighting.time)
    stays = exp(-gap / (1.5 * config.stay_median_days))
    another = (1 - stays) * min(ARRIVALS_PER_DAY * gap, 1.0)
    return fit + _place_fit(track.last, sighting) + log(stays / (another + 1e-3))


def _was_laden(track: Track) -> bool:
    """Whether the last look that measured her says laden."""
    loads = [s.ship.load for s in track.sightings if s.ship.load is not None]
    return bool(loads) and loads[-1].ballast_probability < 0.1 and loads[-1].fraction > 0.6


def _in_ballast(sighting: Sighting) -> bool:
    load = sighting.ship.load
    return load is not None and load.ballast_probability > 0.9


def _shift_odds(track: Track, sighting: Sighting) -> float:
    """Log odds of moving between anchorage and berth, or from berth to berth."""
    if sighting.berth_id is None:
        return TO_ANCHOR
    if track.last.berth_id is None and not _was_laden(track):
        return TO_BERTH
    return TO_OTHER_BERTH + (LADEN_TO_BERTH if _was_laden(track) else 0.0)


def _just_left(track: Track, sighting: Sighting) -> bool:
    """Whether a ship that left her berth may be the one now at anchor."""
    if track.gone_by is None or sighting.berth_id is not None:
        return False
    return 0 <= _days(track.gone_by, sighting.time) <= ANCHORS_WITHIN


def _likeness(difference: float, sigmas: tuple[float, float], chance: float) -> float:
    """Log ratio of one ship measured twice against two ships."""
    same = sqrt(sigmas[0] ** 2 + sigmas[1] ** 2 + OUTLINE_SIGMA**2)
    other = sqrt(same**2 + chance**2)
    ratio = log(other / same) - 0.5 * difference**2 * (1 / same**2 - 1 / other**2)
    return max(ratio, WORST)


def _place_fit(last: Sighting, sighting: Sighting) -> float:
    """Log ratio from position and heading; at anchor a ship swings, alongside she does not."""
    if sighting.berth_id is None:
        return 0.0
    apart = distance(last.centre, sighting.centre)
    narrow, wide = SAME_PLACE**2, SAME_PLACE**2 + OTHER_PLACE**2
    fit = max(log(wide / narrow) - 0.5 * apart**2 * (1 / narrow - 1 / wide), WORST)
    turned = axis_between(last.ship.heading, sighting.ship.heading)
    fit += max(0.7 - 0.5 * (turned / SAME_AXIS) ** 2, -4.0)
    if not (last.ship.heading_ambiguous or sighting.ship.heading_ambiguous):
        fit += 0.6 if angle_between(last.ship.heading, sighting.ship.heading) < 90 else -1.6
    return fit


def _days(first: datetime, second: datetime) -> float:
    return (second - first).total_seconds() / 86_400
