"""What happened at the berths between the looks: many histories, each as likely as the looks allow.

A berth is empty until the next arrival (a rate for the berth, times one for the month), then taken for a
lognormal stay. A look says empty, or which ship. Between two looks stays may begin, end, or do both unseen; a
ship that looks the same in both may even have gone and another have come. Histories are drawn by Markov
chains that run side by side: in each gap a fresh history is simulated from the gap's left end, with the
unseen departure and arrival placed evenly, and taken with the odds of the stays it makes; what the ends
forbid is refused. Rates, stay law and the spread of the months are drawn from their conjugate laws.

Nothing here is a stationary approximation: a berth that is taken hides no other ship, a gap between two empty
looks hides short stays alone, and a veiled month borrows its rate from the others as far as months are alike.

References
----------
Own derivation (physics.md 6 has the likelihood of one isolated stay, which this contains). Gibbs and
Metropolis-Hastings steps are textbook: Robert and Casella (2004), Monte Carlo Statistical Methods, 7.3, 10.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

RATE_SHAPE, RATE_OFFSET = 0.5, 1.0
"""Prior of the terminal's rate: Gamma(0.5, 1 day), shared out evenly over the berths before looking."""
SPREADS = np.array([0.25, 0.35, 0.5, 0.7, 0.9])
"""Of the logarithm of stays, equally likely before looking [1]."""
MONTHS_ALIKE = np.array([4.0, 8.0, 16.0, 32.0, 64.0, 128.0])
"""Shape of the gamma law of months about their mean: from half as much again to a tenth [1]."""
RUN_IN = 12.0
"""Days before the period, empty at their start, from which stays reach into it."""
SETTLED = 12.0
"""Log odds of one ship against two from which a gap between two looks at a ship is not in doubt [1]."""
CHAINS, DROPPED, KEPT = 56, 140, 70
"""Chains side by side; sweeps of each that are left out, and that count."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looks:
    """One berth's usable looks, in days from the start of the period."""

    times: tuple[float, ...]
    """Ascending."""
    ships: tuple[int, ...]
    """Which ship each shows; 0 = the berth is empty."""
    alike: tuple[float, ...] = ()
    """For each look after the first, log odds of one ship against two from the ships' looks alone; of no
    meaning where a look shows none. Empty = certain, by `ships`."""
    strangers: frozenset[int] = frozenset()
    """Ships that are no visits: they take the berth, and neither rate nor stays are learned from them."""


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gaps:
    """Gaps between looks of all berths, one berth after the other; (gaps,) arrays."""

    berth: Ints
    start: Array
    stop: Array
    left: Ints
    """Ship at the left end; 0 = empty."""
    right: Ints
    """Ship at the right end; 0 = empty, -1 = not looked at."""
    alike: Array
    """Log odds of one ship where both ends show one; large where certain."""
    month: Ints
    colour: Ints
    """Gaps of one colour share no stay."""
    stranger_left: Bools
    stranger_right: Bools

    @property
    def both(self) -> Bools:
        """A ship at either end."""
        return np.asarray((self.left > 0) & (self.right > 0))


@dataclass(slots=True)
class _State:
    """All chains; (chains, gaps) unless said otherwise."""

    parted: Bools
    """A stay ends in the gap (or none begins at its left), and another begins: not one ship throughout."""
    departure: Array
    arrival: Array
    hidden: Array
    """Arrivals of visits within the gap, those before the period included."""
    counted: Array
    """Of these, within the period."""
    idle: Array
    """Time that the berth stood free [days]."""
    log_sum: Array
    """Of the logarithms of hidden stays."""
    log_square: Array
    rate: Array
    """(chains, berths) [1/day]"""
    season: Array
    """(chains, months) factor of the rate [1]."""
    mu: Array
    """(chains, 1)"""
    sigma: Array


def list_gaps(berths: Sequence[Looks], period: float, month_ends: Sequence[float]) -> Gaps:
    """Gaps of all berths: from before the period to the first look, between looks, to the period's end."""
    rows: list[tuple[float, ...]] = []
    strangers: list[tuple[bool, bool]] = []
    for number, berth in enumerate(berths):
        times = (-RUN_IN, *berth.times, max(period, *berth.times, 0.0))
        ships = (0, *berth.ships, -1)
        sure = [3 * SETTLED if a == b else -3 * SETTLED for a, b in pairwise(berth.ships)]
        alike = (0.0, *(berth.alike or sure), 0.0)[: len(times) - 1]
        for k, odds in enumerate(alike):
            rows.append((number, times[k], times[k + 1], ships[k], ships[k + 1], odds))
            strangers.append((ships[k] in berth.strangers, ships[k + 1] in berth.strangers))
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    known = np.array(strangers, dtype=bool).reshape(-1, 2)
    middle = (np.maximum(table[:, 1], 0.0) + table[:, 2]) / 2
    gaps = Gaps(
        berth=table[:, 0].astype(np.int64),
        start=table[:, 1],
        stop=table[:, 2],
        left=table[:, 3].astype(np.int64),
        right=table[:, 4].astype(np.int64),
        alike=table[:, 5],
        month=np.minimum(np.searchsorted(month_ends, middle), max(len(month_ends) - 1, 0)),
        colour=np.zeros(len(table), dtype=np.int64),
        stranger_left=known[:, 0],
        stranger_right=known[:, 1],
    )
    gaps.colour[:] = _colours(gaps)
    return gaps


def _colours(gaps: Gaps) -> Ints:
    """Colours such that gaps that may share a stay differ; -1 where no seen stay can begin or end.

    A gap shares a stay with the next in which one surely ends, and with every doubtful gap before that.
    """
    colours = np.full(len(gaps.start), -1, dtype=np.int64)
    near: list[int] = []
    for k in range(len(colours)):
        doubtful = gaps.both[k] and abs(gaps.alike[k]) < SETTLED
        if gaps.left[k] == 0:
            near = []
        if (gaps.both[k] and gaps.alike[k] >= SETTLED) or (gaps.left[k] == 0 and gaps.right[k] <= 0):
            continue
        colours[k] = next(c for c in range(len(near) + 1) if c not in {int(colours[n]) for n in near})
        near = [*near, k] if doubtful else [k]
    return colours


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
    state = _begin(gaps, len(berths), len(ends), stay, rng)
    kept: list[tuple[npt.NDArray[np.generic], ...]] = []
    plain = np.flatnonzero((gaps.left == 0) & (gaps.right <= 0))
    coloured = [np.flatnonzero(gaps.colour == c) for c in range(int(gaps.colour.max(initial=-1)) + 1)]
    for sweep in range(sum(sweeps)):
        _move_empty(state, gaps, plain, rng)
        for here in coloured:
            _move(state, gaps, here, rng)
        _learn_stays(state, gaps, stay, rng)
        _learn_rates(state, gaps, rng)
        if sweep >= sweeps[0]:
            rates = state.rate.sum(axis=1, keepdims=True) * state.season
            hidden = np.minimum(state.counted, 255).astype(np.uint8)
            kept.append((hidden, state.parted.copy(), rates, state.mu, state.sigma))
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
) -> _State:
    """Nothing hidden; departures and arrivals in the thirds of their gaps; stay laws from their prior."""
    shape = CHAINS, len(gaps.start)
    length = gaps.stop - gaps.start
    parted = ~(gaps.both & (gaps.alike > 1))
    departure = gaps.start + np.where(gaps.right < 0, length + 1.0, length / 3)
    arrival = gaps.stop - np.minimum(length / 3, 1.0)
    free = np.where(gaps.right > 0, arrival, gaps.stop) - np.where(gaps.left > 0, departure, gaps.start)
    zeros = np.zeros(shape)
    return _State(
        parted=np.broadcast_to(parted, shape).copy(),
        departure=np.broadcast_to(departure, shape).copy(),
        arrival=np.broadcast_to(arrival, shape).copy(),
        hidden=zeros.copy(),
        counted=zeros.copy(),
        idle=np.where(parted, np.maximum(free, 0.0), 0.0) + zeros,
        log_sum=zeros.copy(),
        log_square=zeros.copy(),
        rate=np.full((CHAINS, berths), 0.2),
        season=np.ones((CHAINS, months)),
        mu=np.log(stay[0]) + np.log(stay[1]) * rng.standard_normal((CHAINS, 1)),
        sigma=rng.choice(SPREADS, (CHAINS, 1)),
    )


# ------------------------------------------------------------------------------------------- one step

_PATH = ("hidden", "counted", "idle", "log_sum", "log_square")


def _stay_ends(state: _State, gaps: Gaps, here: Ints) -> tuple[Array, Array]:
    """(arrival of the ship at the left end, departure of the ship at the right end) of some gaps."""
    count = state.parted.shape[1]
    places = np.arange(count)
    begins = np.where(state.parted & (gaps.right > 0), places, -1)
    last = np.maximum.accumulate(begins, axis=1)
    before = np.take_along_axis(last, np.broadcast_to(np.maximum(here - 1, 0), (CHAINS, len(here))), axis=1)
    ends = np.where(state.parted & (gaps.left > 0), places, count)
    following = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    after = np.take_along_axis(
        following, np.broadcast_to(np.minimum(here + 1, count - 1), (CHAINS, len(here))), axis=1
    )
    return (
        np.take_along_axis(state.arrival, np.clip(before, 0, count - 1), axis=1),
        np.take_along_axis(state.departure, np.clip(after, 0, count - 1), axis=1),
    )


def _move(state: _State, gaps: Gaps, here: Ints, rng: np.random.Generator) -> None:
    """Propose a fresh history in each of these gaps of each chain, and take it or leave it."""
    start, stop = gaps.start[here], gaps.stop[here]
    left, right = gaps.left[here] > 0, gaps.right[here] > 0
    last = np.flatnonzero(gaps.right[here] < 0)
    came, goes = _stay_ends(state, gaps, here)
    first, second = np.sort(rng.random((2, CHAINS, len(here))), axis=0)
    one = rng.random((CHAINS, len(here)))
    early = np.where(left & right, first, one) * (stop - start) + start
    late = np.where(left & right, second, one) * (stop - start) + start
    early[:, last] = _leave(state, came[:, last], start[last], rng)
    doubt = gaps.both[here] & (np.abs(gaps.alike[here]) < SETTLED)
    was = state.parted[:, here]
    joins = doubt & was & (rng.random(was.shape) < 0.5)
    free_from, free_until = np.where(left, early, start), np.where(right, late, stop)
    path = _wander(free_from, free_until, gaps, here, state, rng)
    odds = _odds(state, gaps, here, (came, goes), (early, late), joins)
    allowed = joins | path[0] | (gaps.right[here] < 0)
    taken = allowed & (np.log(np.maximum(rng.random(was.shape), 1e-300)) < odds)
    moves = taken & ~joins
    gone = taken & joins
    state.parted[:, here] = (state.parted[:, here] | moves) & ~gone
    state.departure[:, here] = np.where(moves, early, state.departure[:, here])
    state.arrival[:, here] = np.where(moves, late, state.arrival[:, here])
    for name, new in zip(_PATH, path[1:], strict=True):
        field = getattr(state, name)
        field[:, here] = np.where(moves, new, np.where(gone, 0.0, field[:, here]))


def _move_empty(state: _State, gaps: Gaps, here: Ints, rng: np.random.Generator) -> None:
    """The same in gaps that begin with an empty berth and do not end with a ship."""
    path = _wander(gaps.start[here], gaps.stop[here], gaps, here, state, rng)
    taken = path[0] | (gaps.right[here] < 0)
    for name, new in zip(_PATH, path[1:], strict=True):
        field = getattr(state, name)
        field[:, here] = np.where(taken, new, field[:, here])


def _leave(state: _State, came: Array, since: Array, rng: np.random.Generator) -> Array:
    """Departure, later than `since`, of a ship that came then: the stay law cut off from below."""
    from scipy.special import ndtr, ndtri

    least = (np.log(np.maximum(since - came, 1e-6)) - state.mu) / state.sigma
    tail = ndtr(-least) * (1.0 - rng.random(came.shape))
    stay = np.exp(state.mu - state.sigma * ndtri(np.maximum(tail, 1e-12)))
    return np.asarray(np.maximum(came + stay, since))


def _odds(
    state: _State,
    gaps: Gaps,
    here: Ints,
    ends: tuple[Array, Array],
    proposed: tuple[Array, Array],
    joins: Bools,
) -> Array:
    """Log of the acceptance odds, what the simulated path forbids apart."""
    (came, goes), (early, late) = ends, proposed
    left, right, both = gaps.left[here] > 0, gaps.right[here] > 0, gaps.both[here]
    in_left = left & ~gaps.stranger_left[here]
    in_right = right & ~gaps.stranger_right[here]
    closed = gaps.right[here] >= 0
    departure, arrival, was = state.departure[:, here], state.arrival[:, here], state.parted[:, here]
    rate = state.rate[:, gaps.berth[here]] * state.season[:, gaps.month[here]]

    def parted(leaves: Array, comes: Array) -> Array:
        first = np.where(in_left & closed, _log_stay(state, leaves - came), 0.0)
        return first + np.where(in_right, _log_stay(state, goes - comes), 0.0)

    whole = np.where(in_left & in_right, _log_stay(state, goes - came), 0.0)
    split = (
        np.log(np.maximum(rate, 1e-12))
        - gaps.alike[here]
        + 2 * np.log(gaps.stop[here] - gaps.start[here] + 1e-9)
    )
    # A split is proposed whenever there is none, its end and its fresh history half of the time each; two
    # ordered places have a density of 2 over the gap squared.
    new, old = parted(early, late), np.where(was, parted(departure, arrival), 0.0)
    parting = new + split - np.log(2.0) - whole - np.log(2.0)
    joining = whole - (old + split - np.log(2.0)) + np.log(2.0)
    return np.asarray(np.where(both & ~was, parting, np.where(joins, joining, new - old)))


def _log_stay(state: _State, stay: Array) -> Array:
    """Log density of a stay."""
    log = np.log(np.maximum(stay, 1e-6))
    density = -log - np.log(np.sqrt(2 * np.pi) * state.sigma) - 0.5 * ((log - state.mu) / state.sigma) ** 2
    return np.asarray(np.where(stay > 0, density, -1e9))


def _wander(
    start: Array, stop: Array, gaps: Gaps, here: Ints, state: _State, rng: np.random.Generator
) -> tuple[Bools, Array, Array, Array, Array, Array]:
    """Histories from empty at `start`: (empty at `stop`, arrivals, of these within the period, idle time, sum
    and sum of squares of the logarithms of stays); all (chains, some gaps).
    """
    rate = state.rate[:, gaps.berth[here]] * state.season[:, gaps.month[here]]
    shape = start.shape if start.ndim == 2 else rate.shape
    time = np.broadcast_to(start, shape).ravel().copy()
    end, each = np.broadcast_to(stop, shape).ravel(), rate.ravel()
    mu, sigma = (np.broadcast_to(law, shape).ravel() for law in (state.mu, state.sigma))
    empty = np.ones(time.size, dtype=bool)
    sums = np.zeros((5, time.size))
    going = np.flatnonzero(time < end)
    while going.size:
        arrival = time[going] + rng.exponential(size=going.size) / np.maximum(each[going], 1e-9)
        sums[2, going] += np.minimum(arrival, end[going]) - time[going]
        inside = arrival < end[going]
        going, arrival = going[inside], arrival[inside]
        log = mu[going] + sigma[going] * rng.standard_normal(going.size)
        sums[0, going] += 1
        sums[1, going] += arrival >= 0
        sums[3, going] += log
        sums[4, going] += log**2
        time[going] = arrival + np.exp(log)
        over = time[going] >= end[going]
        empty[going[over]] = False
        going = going[~over]
    hidden, counted, idle, log_sum, log_square = sums.reshape(5, *shape)
    return empty.reshape(shape), hidden, counted, idle, log_sum, log_square


# -------------------------------------------------------------------------------------------- the laws


def _learn_stays(state: _State, gaps: Gaps, stay: tuple[float, float], rng: np.random.Generator) -> None:
    """Median and spread of the stays from those of each chain's history."""
    every = np.arange(len(gaps.start))
    came, _ = _stay_ends(state, gaps, every)
    ends = state.parted & (gaps.left > 0) & ~gaps.stranger_left
    log = np.where(ends, np.log(np.maximum(state.departure - came, 1e-6)), 0.0)
    number = (ends.sum(axis=1) + state.hidden.sum(axis=1))[:, None]
    total = (log.sum(axis=1) + state.log_sum.sum(axis=1))[:, None]
    square = ((log**2).sum(axis=1) + state.log_square.sum(axis=1))[:, None]
    centre, tightness = np.log(stay[0]), np.log(stay[1]) ** -2.0
    precision = tightness + number / SPREADS**2
    mean = (tightness * centre + total / SPREADS**2) / precision
    fit = -number * np.log(SPREADS) - 0.5 * square / SPREADS**2
    fit = fit + 0.5 * precision * mean**2 - 0.5 * np.log(precision)
    picks = _pick(fit, rng)[:, None]
    state.sigma = SPREADS[picks]
    deviate = rng.standard_normal((len(picks), 1))
    state.mu = np.take_along_axis(mean, picks, 1) + deviate / np.sqrt(np.take_along_axis(precision, picks, 1))


def _learn_rates(state: _State, gaps: Gaps, rng: np.random.Generator) -> None:
    """Rates of berths, factors of months, and how alike months are, from arrivals and free time."""
    from scipy.special import gammaln

    berths, months = state.rate.shape[1], state.season.shape[1]
    seen = state.parted & (gaps.right > 0) & ~gaps.stranger_right
    arrivals = state.hidden + seen
    in_berth = np.eye(berths)[gaps.berth]
    in_month = np.eye(months)[gaps.month]
    idle = state.idle * state.season[:, gaps.month]
    state.rate = rng.gamma(RATE_SHAPE / berths + arrivals @ in_berth) / (RATE_OFFSET + idle @ in_berth)
    state.rate = np.maximum(state.rate, 1e-6)
    if months == 1:
        return
    factor = np.maximum(state.season, 1e-9)
    alike = MONTHS_ALIKE
    fit = months * (alike * np.log(alike) - gammaln(alike))
    fit = fit + alike * (np.log(factor) - factor).sum(axis=1)[:, None]
    shape = alike[_pick(fit, rng)][:, None]
    idle = state.idle * state.rate[:, gaps.berth]
    state.season = rng.gamma(shape + arrivals @ in_month) / (shape + idle @ in_month)


def _pick(log_weights: Array, rng: np.random.Generator) -> Ints:
    """(chains,) one column of each row, in proportion to its weight."""
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    cumulative = np.cumsum(weights, axis=1)
    place = rng.random((len(weights), 1)) * cumulative[:, -1:]
    return np.asarray(np.minimum((cumulative < place).sum(axis=1), weights.shape[1] - 1))
