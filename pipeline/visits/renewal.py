"""What happened at the berths between the looks: many histories, each as likely as the looks allow.

A berth is empty until the next arrival (a rate for the berth, times one for the month), then taken for a
lognormal stay. A look says empty, or which ship. Between two looks stays may begin, end, or do both unseen; a
ship that looks the same in both may even have gone and another have come.

Chains of Markov run side by side over what is seen: when the seen ships came and went, which looks show two
ships, rates, stay law, months. Whatever came and went wholly unseen is summed over (`vacancy`: how likely a
berth, empty now, is empty then), and drawn only at the end, a fresh history of each gap. So a chain need not
find its way through the many short hidden stays that few looks leave possible. Rates and stays, which make up
for one another, move together, by the difference of two other chains.

Nothing here is a stationary approximation: a berth that is taken hides no other ship, a gap between two empty
looks hides short stays alone, and a veiled month borrows its rate from the others as far as months are alike.

References
----------
Own derivation (physics.md 6 has the likelihood of one isolated stay, which this contains). Metropolis and
Hastings steps and summing over what is hidden: Robert and Casella (2004), Monte Carlo Statistical Methods,
7.3, 9.2. Differences of chains: ter Braak (2006), Statistics and Computing 16, 239,
https://doi.org/10.1007/s11222-006-8769-1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.visits.chains import (
    CHAINS,
    RATE_OFFSET,
    RATE_SHAPE,
    Chains,
    Laws,
    Times,
    accept,
    find_vacant,
    log_stay,
    stay_ends,
)
from pipeline.visits.gaps import SETTLED, Gaps, Looks, list_gaps
from pipeline.visits.laws import learn
from pipeline.visits.vacancy import SPREADS, log_vacant

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

DROPPED, KEPT = 30, 50
"""Sweeps of each chain that are left out, and that count; the count of the hidden has settled after twenty,
and is forgotten after ten to fifty, where chains that carried the hidden stays needed hundreds."""
ROUNDS = 60
"""Histories of a gap that are tried until one ends as it must; nothing hidden where none does."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Histories:
    """What the chains found; sample = sweep of a chain."""

    hidden: npt.NDArray[np.uint8]
    """(samples, gaps) visits that no look shows, arrived within the period."""
    parted: Bools
    """(samples, gaps) whether the ship at the gap's end is not the ship at its beginning."""
    gaps: Gaps
    month_rate: Array
    """(samples, months) arrivals a free day at all berths together [1/day]."""
    stay_log_median: Array
    """(samples,) [log days]"""
    stay_spread: Array
    """(samples,)"""


def draw_histories(
    berths: Sequence[Looks],
    period: float,
    *,
    stay: tuple[float, float],
    month_ends: Sequence[float] = (),
    seed: int = 0,
    sweeps: tuple[int, int] = (DROPPED, KEPT),
) -> Histories:
    """Histories of all berths of a terminal, as the looks and the prior of stays leave them likely.

    Parameters
    ----------
    berths
        At least one.
    period
        Length of the period from the first pass to the last [days].
    stay
        Prior of the stay: median [days] and geometric standard deviation of that median.
    month_ends
        Ends of the months that have a rate of their own [days]; none = one rate throughout.
    seed
        The same seed gives the same histories.
    sweeps
        Of each chain that are left out, and that count.

    Returns
    -------
    Histories
        A sample for each chain and sweep, not independent of each other.
    """
    ends = tuple(month_ends) or (max(period, 0.0),)
    gaps = list_gaps(berths, period, ends)
    rng = np.random.default_rng(seed)
    chains = _begin(gaps, len(berths), len(ends), stay, rng)
    coloured = [np.flatnonzero(gaps.colour == c) for c in range(int(gaps.colour.max(initial=-1)) + 1)]
    kept: list[tuple[npt.NDArray[np.generic], ...]] = []
    for sweep in range(sum(sweeps)):
        for here in coloured:
            _move(chains, gaps, here, rng)
        learn(chains, gaps, stay, rng)
        if sweep >= sweeps[0]:
            laws = chains.laws
            rates = np.exp(laws.log_rate).sum(axis=1, keepdims=True) * np.exp(laws.log_season)
            hidden = _draw_hidden(chains, gaps, rng)
            kept.append((hidden, chains.times.parted, rates, laws.mu, laws.sigma))
    columns = [np.concatenate(part, axis=0) for part in zip(*kept, strict=True)]
    return Histories(
        hidden=columns[0],
        parted=columns[1],
        gaps=gaps,
        month_rate=columns[2],
        stay_log_median=columns[3][:, 0],
        stay_spread=columns[4][:, 0],
    )


def _begin(
    gaps: Gaps, berths: int, months: int, stay: tuple[float, float], rng: np.random.Generator
) -> Chains:
    """Departures and arrivals in the thirds of their gaps; laws from what the looks show, spread widely."""
    shape = CHAINS, len(gaps.start)
    length = gaps.stop - gaps.start
    parted = ~(gaps.both & (gaps.alike > 1))
    departure = gaps.start + np.where(gaps.right < 0, length + 1.0, length / 3)
    arrival = gaps.stop - np.minimum(length / 3, 1.0)
    seen = np.bincount(gaps.berth, parted & (gaps.right > 0), minlength=berths) + RATE_SHAPE / berths
    days = np.bincount(gaps.berth, length * parted, minlength=berths) + RATE_OFFSET
    chains = Chains(
        times=Times(
            parted=np.broadcast_to(parted, shape),
            departure=np.broadcast_to(departure, shape),
            arrival=np.broadcast_to(arrival, shape),
        ),
        vacant=np.zeros(shape),
        laws=Laws(
            log_rate=np.log(1.5 * seen / days) + 0.5 * rng.standard_normal((CHAINS, berths)),
            log_season=0.2 * rng.standard_normal((CHAINS, months)) * (months > 1),
            mu=np.log(stay[0]) + np.log(stay[1]) * rng.standard_normal((CHAINS, 1)),
            spread=rng.integers(len(SPREADS), size=(CHAINS, 1)),
        ),
    )
    chains.vacant = find_vacant(chains.times, chains.laws, gaps)
    return chains


# ------------------------------------------------------------------------------- when seen ships came, went


def _move(chains: Chains, gaps: Gaps, here: Ints, rng: np.random.Generator) -> None:
    """Propose other times in these gaps of each chain, or one ship for two, and take them or leave them."""
    start, stop = gaps.start[here], gaps.stop[here]
    left, right = gaps.left[here] > 0, gaps.right[here] > 0
    last = np.flatnonzero(gaps.right[here] < 0)
    came, goes = stay_ends(chains.times, gaps, here)
    first, second = np.sort(rng.random((2, CHAINS, len(here))), axis=0)
    one = rng.random((CHAINS, len(here)))
    early = np.where(left & right, first, one) * (stop - start) + start
    late = np.where(left & right, second, one) * (stop - start) + start
    early[:, last] = _leave(chains, came[:, last], start[last], rng)
    doubt = gaps.both[here] & (np.abs(gaps.alike[here]) < SETTLED)
    was = chains.times.parted[:, here]
    joins = doubt & was & (rng.random(was.shape) < 0.5)
    rate = chains.laws.at(gaps, here)
    width = np.maximum(np.where(right, late, stop) - np.where(left, early, start), 0.0)
    vacant = np.where(joins, 0.0, log_vacant(width, rate, chains.laws.mu, chains.laws.spread))
    vacant[:, last] = 0.0
    odds = _odds(chains, gaps, here, ((came, goes), (early, late)), (joins, rate))
    taken = accept(odds + vacant - chains.vacant[:, here], rng)
    moves = taken & ~joins
    times = chains.times
    parted, departure, arrival = times.parted.copy(), times.departure.copy(), times.arrival.copy()
    parted[:, here] = (was | moves) & ~(taken & joins)
    departure[:, here] = np.where(moves, early, departure[:, here])
    arrival[:, here] = np.where(moves, late, arrival[:, here])
    chains.times = Times(parted=parted, departure=departure, arrival=arrival)
    chains.vacant[:, here] = np.where(taken, vacant, chains.vacant[:, here])


def _leave(chains: Chains, came: Array, since: Array, rng: np.random.Generator) -> Array:
    """Departure, later than `since`, of a ship that came then: the stay law cut off from below."""
    from scipy.special import ndtr, ndtri

    least = (np.log(np.maximum(since - came, 1e-6)) - chains.laws.mu) / chains.laws.sigma
    tail = ndtr(-least) * (1.0 - rng.random(came.shape))
    stay = np.exp(chains.laws.mu - chains.laws.sigma * ndtri(np.maximum(tail, 1e-12)))
    return np.asarray(np.maximum(came + stay, since))


def _odds(
    chains: Chains,
    gaps: Gaps,
    here: Ints,
    times: tuple[tuple[Array, Array], tuple[Array, Array]],
    change: tuple[Bools, Array],
) -> Array:
    """Log of the acceptance odds, but for what the gap hides; `times`: (came, goes), (early, late)."""
    (came, goes), (early, late) = times
    joins, rate = change
    in_left = (gaps.left[here] > 0) & ~gaps.stranger_left[here]
    in_right = (gaps.right[here] > 0) & ~gaps.stranger_right[here]
    closed = gaps.right[here] >= 0
    was = chains.times.parted[:, here]

    def parted(leaves: Array, comes: Array) -> Array:
        first = np.where(in_left & closed, log_stay(chains.laws, leaves - came), 0.0)
        return first + np.where(in_right, log_stay(chains.laws, goes - comes), 0.0)

    whole = np.where(in_left & in_right, log_stay(chains.laws, goes - came), 0.0)
    split = np.log(rate) - gaps.alike[here] + 2 * np.log(gaps.stop[here] - gaps.start[here] + 1e-9)
    # A split is proposed whenever there is none, its end and its fresh times half of the time each; two
    # ordered places have a density of 2 over the gap squared.
    new = parted(early, late)
    old = np.where(was, parted(chains.times.departure[:, here], chains.times.arrival[:, here]), 0.0)
    parting = new + split - np.log(2.0) - whole - np.log(2.0)
    joining = whole - (old + split - np.log(2.0)) + np.log(2.0)
    return np.asarray(np.where(gaps.both[here] & ~was, parting, np.where(joins, joining, new - old)))


# ------------------------------------------------------------------------------------- what nobody saw


def _draw_hidden(chains: Chains, gaps: Gaps, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(chains, gaps) arrivals within the period that no look shows: histories that end as each gap must."""
    start = np.where(gaps.left > 0, chains.times.departure, gaps.start)
    stop = np.where(gaps.right > 0, chains.times.arrival, gaps.stop)
    rate = chains.laws.at(gaps)
    mu, sigma = (np.broadcast_to(law, rate.shape) for law in (chains.laws.mu, chains.laws.sigma))
    left = np.flatnonzero(chains.times.parted & (stop > start))
    free = np.broadcast_to(gaps.right < 0, rate.shape).ravel()
    laws = tuple(a.ravel() for a in (start, stop, rate, mu, sigma))
    counts = np.zeros(rate.size)
    for _ in range(ROUNDS):
        empty, arrived = _wander(*(law[left] for law in laws), rng=rng)
        ends = empty | free[left]
        counts[left[ends]] = arrived[ends]
        left = left[~ends]
        if not left.size:
            break
    return np.minimum(counts, 255).astype(np.uint8).reshape(rate.shape)


def _wander(
    start: Array, stop: Array, rate: Array, mu: Array, sigma: Array, *, rng: np.random.Generator
) -> tuple[Bools, Array]:
    """Histories from empty at `start`: (empty at `stop`, arrivals within the period); all (cases,)."""
    time = start.copy()
    empty, counted = np.ones(time.size, dtype=bool), np.zeros(time.size)
    going = np.arange(time.size)
    while going.size:
        arrival = time[going] + rng.exponential(size=going.size) / rate[going]
        inside = arrival < stop[going]
        going, arrival = going[inside], arrival[inside]
        counted[going] += arrival >= 0
        time[going] = arrival + np.exp(mu[going] + sigma[going] * rng.standard_normal(going.size))
        over = time[going] >= stop[going]
        empty[going[over]] = False
        going = going[~over]
    return empty, counted
