"""Who the ships of a season are, told together: sizes, decks, and that no ship is in two places at once.

Each visit is weighed against every row of the register by its size; then, some rounds over, by how well its
deck goes with those of the visits that are likely that row's, by how often the row calls, and by the times:
visits that overlap, or follow each other too closely for the oil to have been delivered, are not one ship's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from pipeline.config import VisitsConfig
from pipeline.datatypes import Identity, Ship, SignedIdentity
from pipeline.products import Appearance, EarlierVisit
from pipeline.visits.identity import (
    Size,
    bind_identity,
    distinct_ships,
    identity_scores,
    rank_scores,
    same_size,
)
from pipeline.visits.likeness import compare_decks

Array = npt.NDArray[np.float64]

ROUNDS = 6
TURNAROUND = timedelta(days=2)
"""From a departure to the same ship's next arrival at the least: out, discharged, and back."""
EXCLUDED = 0.97
"""Trust in an overlap: clocks and outlines err [1]."""
CALLS = 4.0
"""Calls of a row that its prior is worth, against those it is seen to make [1]."""
UNKNOWN_DECK = 1.0
"""Visits' worth of doubt about what a row's deck looks like [1]."""
SAME_UNLISTED = 0.2
"""That two visits of ships in no register are one ship's, before looking [1]."""
WORTH_NAMING, NAMED = 0.3, 3
"""Least probability of an earlier visit in the list, and how many are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a visit says of who she is."""

    size: Size
    looks: tuple[Appearance, ...]
    """The finest few."""
    first: datetime
    """Of her sightings."""
    last: datetime
    signed: SignedIdentity | None


def rank_together(
    visits: Sequence[Seen], fleet: Sequence[Ship], *, config: VisitsConfig
) -> tuple[tuple[tuple[Identity, ...], ...], Array]:
    """(ranked identities of each visit, (visits, visits) probability that two are one ship's)."""
    rows: list[Ship | None] = [*distinct_ships(fleet), None]
    if not visits:
        return (), np.zeros((0, 0))
    alone = np.array([identity_scores(v.size, rows, config=config) for v in visits])
    for k, visit in enumerate(visits):
        if visit.signed is not None:
            alone[k] = _as_signed(visit.signed, rows)
    decks = _compare_visits(visits)
    apart = _of_pairs(visits, _cannot_be) > 0
    posterior = _normalise(alone)
    for _ in range(ROUNDS):
        posterior = 0.5 * posterior + 0.5 * _normalise(alone + _from_others(posterior, decks, apart))
    ranked = tuple(
        rank_scores([(row, float(np.log(max(p, 1e-12)))) for row, p in zip(rows, mine, strict=True)])
        if visit.signed is None
        else bind_identity(visit.signed, fleet)
        for visit, mine in zip(visits, posterior, strict=True)
    )
    return ranked, _one_ship(visits, posterior, decks, apart)


def list_earlier(names: Sequence[str], same: Array) -> tuple[tuple[EarlierVisit, ...], ...]:
    """For each visit the earlier ones that are likely the same hull's, likeliest first."""
    listed = []
    for k, mine in enumerate(same):
        order = sorted(range(k), key=lambda j: (-mine[j], j))
        chosen = [j for j in order if mine[j] >= WORTH_NAMING][:NAMED]
        listed.append(tuple(EarlierVisit(visit_id=names[j], probability=float(mine[j])) for j in chosen))
    return tuple(listed)


def _from_others(posterior: Array, decks: Array, apart: npt.NDArray[np.bool_]) -> Array:
    """(visits, rows) log weight from the other visits: their decks, their times, their number."""
    count = len(posterior)
    listed = posterior[:, :-1]
    if not listed.size:
        return np.zeros((count, 1))
    ratio = np.exp(decks)
    np.fill_diagonal(ratio, 0.0)
    weight = np.ones((count, count)) - np.eye(count)
    deck = np.log((UNKNOWN_DECK + ratio @ listed) / (UNKNOWN_DECK + weight @ listed))
    free = np.array([np.log1p(-EXCLUDED * listed[away]).sum(axis=0) for away in apart])
    calls = np.log(CALLS + weight @ listed)
    total = deck + free + calls - np.log(CALLS + (weight @ listed).mean(axis=1, keepdims=True))
    return np.concatenate([total, np.zeros((count, 1))], axis=1)


def _one_ship(visits: Sequence[Seen], posterior: Array, decks: Array, apart: npt.NDArray[np.bool_]) -> Array:
    """(visits, visits) probability of one ship: the same row, or ships of no register that look alike."""
    listed, nobody = posterior[:, :-1], posterior[:, -1]
    sizes = _of_pairs(visits, lambda a, b: same_size(a.size, b.size))
    odds = SAME_UNLISTED / (1 - SAME_UNLISTED) * np.exp(np.clip(sizes + decks, -30, 30))
    same = listed @ listed.T + np.outer(nobody, nobody) * odds / (1 + odds)
    return np.asarray(np.where(apart, np.minimum(same, 1 - EXCLUDED), same))


def _compare_visits(visits: Sequence[Seen]) -> Array:
    """(visits, visits) log odds of one ship by the decks, the mean over pairs of looks; nil without looks."""
    looks = [look for visit in visits for look in visit.looks]
    counts = np.array([len(visit.looks) for visit in visits])
    owner = np.repeat(np.eye(len(visits)), counts, axis=0)
    total = owner.T @ compare_decks(looks, looks) @ owner
    found = total / np.maximum(np.outer(counts, counts), 1)
    np.fill_diagonal(found, 0.0)
    return np.asarray(found)


def _of_pairs(visits: Sequence[Seen], compare: Callable[[Seen, Seen], float]) -> Array:
    """(visits, visits) of a symmetric comparison; nil of a visit with itself."""
    found = np.zeros((len(visits), len(visits)))
    for k, visit in enumerate(visits):
        for j in range(k):
            found[k, j] = found[j, k] = compare(visits[j], visit)
    return found


def _cannot_be(first: Seen, second: Seen) -> bool:
    """Whether two visits are too close in time to be one ship's."""
    return first.first < second.last + TURNAROUND and second.first < first.last + TURNAROUND


def _as_signed(signed: SignedIdentity, rows: Sequence[Ship | None]) -> Array:
    """Log weights of a signed visit: all on her row; with no such row, on none."""
    match = [row is not None and row.imo == signed.imo for row in rows]
    if signed.imo is None or not any(match):
        match = [row is None for row in rows]
    return np.where(match, 0.0, -50.0)


def _normalise(scores: Array) -> Array:
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
