"""Sightings joined into tracks: the same ship in consecutive usable looks.

At every pass each ship that may still be there is compared with each ship that was seen, by length, beam,
place and heading against what chance would bring, and with how long ships stay. A look that shows her berth
without her ends the track; a cloud does not. A look that shows the anchorage without her speaks against her.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import erfc, exp, hypot, log, sqrt

import numpy as np

from pipeline.config import VisitsConfig
from pipeline.datatypes import Ship, SignedIdentity
from pipeline.geometry import angle_between, axis_between
from pipeline.products import Appearance
from pipeline.visits.identity import OUTLINE_SIGMA, Size, same_ship
from pipeline.visits.likeness import compare_series
from pipeline.visits.sightings import Pass, Sighting, distance

SAME_PLACE = 12.0
"""Spread of a ship's position at a berth between two looks: errors of georeference, moorings [m]."""
SAME_AXIS = 6.0
"""Spread of the heading of a ship alongside [deg]."""
TURNED = -2.0
"""Log odds where bow and stern have changed places; she would have had to leave."""
STAY_SPREAD = 0.6
"""Spread of the logarithm of stays about their median, beside the median's own error [1]."""
WAIT_DAYS = 3.0
"""Scale of a wait at anchor [days]."""
ARRIVALS_PER_DAY = 0.2
"""Rough rate at which a berth that fell free is taken again; only weighs who is meant [1/day]."""
TO_BERTH, TO_ANCHOR, TO_OTHER_BERTH = -2.0, -5.0, -7.0
"""Log odds that a ship that is still about has shifted so: most that wait at anchor go to a berth next."""
CARRIES = 3.0
"""Further log odds of a ship at anchor that carries cargo to be the one that was at the berth: ships come to
a loading port in ballast."""
LADEN_TO_BERTH = -4.0
"""Further log odds where she had already loaded."""
ANCHORS_WITHIN = 1.5
"""After the berth was seen without her, she is looked for at anchor for so long [days]."""
OVERLOOKED = -1.8
"""Log odds that a clear look at the anchorage passed over a ship that lay there: one in six at sea."""
WORST, WORST_PLACE = -8.0, -6.0
"""Of the size, of the place: outlines go wrong."""
SIGNED_ALIKE = 12.0
"""Log odds where an analyst gave both looks the same name."""
DISCHARGED = 6.0
"""Against a laden ship turning up in ballast within one call at a loading port; as log odds."""


@dataclass(slots=True)
class Track:
    """A ship's stay in the making; private to this stage."""

    sightings: list[Sighting]
    gone_by: datetime | None = None
    """The first look that shows her berth without her."""
    open: bool = True
    absent: int = 0
    """Clear looks since she was last seen, at anchor, that do not show her there."""
    length: float = field(default=0.0)
    length_sigma: float = field(default=0.0)
    beam: float = field(default=0.0)
    beam_sigma: float = field(default=0.0)

    def __post_init__(self) -> None:
        self._measure()

    def add(self, sighting: Sighting) -> None:
        """Join a later sighting; a ship seen again was not gone."""
        self.sightings.append(sighting)
        self.gone_by, self.open, self.absent = None, True, 0
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

    @property
    def signed(self) -> SignedIdentity | None:
        """The last word of an analyst on any of her sightings."""
        words = [s.signed for s in self.sightings if s.signed is not None]
        return max(words, key=lambda s: s.at) if words else None

    def size(self) -> Size:
        """What all looks together say of her; looks at one hull err alike, hence the root of their number."""
        odds = sum(_logit(s.ship.tanker_probability) for s in self.sightings) / sqrt(len(self.sightings))
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


def join_sightings(
    passes: Sequence[Pass], fleet: Sequence[Ship], *, config: VisitsConfig
) -> tuple[Track, ...]:
    """Every ship's stay, in the order of first sighting."""
    tracks: list[Track] = []
    for look in passes:
        _expire(tracks, look.time, config)
        left = list(look.sightings)
        for track, sighting in _match(tracks, look, fleet, config):
            track.add(sighting)
            left.remove(sighting)
        for track in tracks:
            here = track.last.berth_id
            if track.open and track.last.time < look.time and here is not None and look.shows(here):
                track.gone_by, track.open = look.time, False
            if here is None and track.last.time < look.time and look.covers(track.last.centre):
                track.absent += 1
        tracks.extend(Track(sightings=[sighting]) for sighting in left)
    return tuple(tracks)


def _expire(tracks: Sequence[Track], now: datetime, config: VisitsConfig) -> None:
    for track in tracks:
        if track.open and _days(track.last.time, now) > config.max_stay_days:
            track.open = False


def _match(
    tracks: Sequence[Track], look: Pass, fleet: Sequence[Ship], config: VisitsConfig
) -> list[tuple[Track, Sighting]]:
    """Pairs of track and sighting that are the same ship: the assignment of the largest total odds."""
    near = [t for t in tracks if _days(t.last.time, look.time) <= config.max_stay_days]
    if not near or not look.sightings:
        return []
    from scipy.optimize import linear_sum_assignment  # most of a second; a single look does without

    scores = np.array([[_score(t, s, fleet, config) for s in look.sightings] for t in near])
    gains = np.where(scores > 0, scores, 0.0)
    rows, columns = linear_sum_assignment(gains, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(near[i], look.sightings[k]) for i, k in pairs if gains[i, k] > 0]


def _score(track: Track, sighting: Sighting, fleet: Sequence[Ship], config: VisitsConfig) -> float:
    """Log odds that a sighting is the ship of a track; -inf where it cannot be."""
    same_place = track.last.berth_id == sighting.berth_id
    if not track.open and (same_place or not _just_left(track, sighting)):
        return float("-inf")
    fit = compare_looks(track.sightings, (sighting,), fleet, config=config)
    fit += track.absent * OVERLOOKED + _stay_odds(track, sighting, config)
    return fit + (0.0 if same_place else _shift_odds(track, sighting))


def compare_looks(
    first: Sequence[Sighting], second: Sequence[Sighting], fleet: Sequence[Ship], *, config: VisitsConfig
) -> float:
    """Log odds of one ship behind two series of looks, the later after the earlier, against two ships.

    From size, deck, place, what she carried and what was signed; how long ships stay is not in it. -inf where
    two names were signed.
    """
    before, after = Track(sightings=list(first)), Track(sightings=list(second))
    signed = _signed_odds(before.signed, after.signed)
    if signed == float("-inf"):
        return signed
    fit = signed + max(same_ship(before.size(), after.size(), fleet, config=config), WORST)
    fit += compare_series(_decks(first[-2:]), _decks(second[:2]))
    if _was_laden(before) and _in_ballast(second[0]):
        fit -= DISCHARGED
    return fit + (_place_fit(first[-1], second[0]) if first[-1].berth_id == second[0].berth_id else 0.0)


def _decks(looks: Sequence[Sighting]) -> list[Appearance]:
    return [s.ship.appearance for s in looks if s.ship.appearance is not None]


def _signed_odds(first: SignedIdentity | None, second: SignedIdentity | None) -> float:
    """Log odds of one ship from what analysts signed: two names are two ships."""
    if first is None or second is None or first.imo == second.imo is None:
        return 0.0
    return SIGNED_ALIKE if first.imo == second.imo else float("-inf")


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
        load = sighting.ship.load
        return TO_ANCHOR + (CARRIES if load is not None and load.ballast_probability < 0.1 else 0.0)
    if track.last.berth_id is None and not _was_laden(track):
        return TO_BERTH
    return TO_OTHER_BERTH + (LADEN_TO_BERTH if _was_laden(track) else 0.0)


def _just_left(track: Track, sighting: Sighting) -> bool:
    """Whether a ship that left her berth may be the one now at anchor."""
    if track.gone_by is None or sighting.berth_id is not None:
        return False
    return 0 <= _days(track.gone_by, sighting.time) <= ANCHORS_WITHIN


def _place_fit(last: Sighting, sighting: Sighting) -> float:
    """Log ratio from position and heading, at most nil.

    At anchor a ship swings and drifts. Alongside all ships lie at the same arms with the same heading, so
    that agreement says nothing, and only a shifted or turned hull speaks for another one.
    """
    if sighting.berth_id is None:
        return 0.0
    fit = -0.5 * (distance(last.centre, sighting.centre) / SAME_PLACE) ** 2
    fit -= 0.5 * (axis_between(last.ship.heading, sighting.ship.heading) / SAME_AXIS) ** 2
    fit = max(fit, WORST_PLACE)
    if not (last.ship.heading_ambiguous or sighting.ship.heading_ambiguous):
        fit += 0.0 if angle_between(last.ship.heading, sighting.ship.heading) < 90 else TURNED
    return fit


def _stay_odds(track: Track, sighting: Sighting, config: VisitsConfig) -> float:
    """Log odds that she was there all through the gap, against her leaving and another ship turning up."""
    here = sighting.berth_id
    gap = _days(track.last.time, sighting.time)
    if here is None and track.last.berth_id is None:
        stays = exp(-gap / WAIT_DAYS)
    else:
        since = [s.time for s in track.sightings if s.berth_id is not None and s.berth_id == here]
        age = _days(since[0], track.last.time) if since else 0.0
        stays = _survival(age + gap, config) / _survival(age, config)
    another = (1 - stays) * (1 - exp(-ARRIVALS_PER_DAY * gap))
    return log(max(stays, 1e-6)) - log(another + 1e-3)


def _survival(days: float, config: VisitsConfig) -> float:
    """Probability that a stay is longer: lognormal, the prior's median error and the stays' spread."""
    if days <= 0:
        return 1.0
    spread = hypot(log(config.stay_factor), STAY_SPREAD)
    return max(0.5 * erfc((log(days) - log(config.stay_median_days)) / (spread * sqrt(2))), 1e-9)


def _days(first: datetime, second: datetime) -> float:
    return (second - first).total_seconds() / 86_400
