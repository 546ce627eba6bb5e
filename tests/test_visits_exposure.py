"""What nobody saw: exposure against brute force, the histories against rejection and simulated years."""

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.visits.chains import RATE_OFFSET, RATE_SHAPE
from pipeline.visits.exposure import Unseen, infer_unseen, mean_shorter, seen_time
from pipeline.visits.gaps import RUN_IN, Looks
from pipeline.visits.renewal import _wander, draw_histories
from pipeline.visits.vacancy import SPREADS, log_vacant

LAW = (np.array([np.log(1.6)]), np.array([0.45]))
"""Stays: log median [log days] and its spread."""
PRIOR = (1.5, 1.65)


def mean_count(found: Unseen) -> float:
    return float(np.arange(len(found.probability)) @ found.probability)


def quantile(found: Unseen, share: float) -> int:
    return int(np.searchsorted(np.cumsum(found.probability), share))


# -------------------------------------------------------------------------------------------- exposure


@given(limit=st.floats(0.05, 20), mu=st.floats(-1, 2), sigma=st.floats(0.2, 1.0))
def test_mean_of_the_shorter_is_the_integral_of_survival(limit: float, mu: float, sigma: float) -> None:
    from scipy.special import ndtr

    days = np.linspace(1e-9, limit, 20_001)
    survival = ndtr(-(np.log(days) - mu) / sigma)
    assert mean_shorter(limit, mu, sigma) == pytest.approx(float(np.trapezoid(survival, days)), rel=1e-4)


@pytest.mark.parametrize("looks", [(3.0,), (0.0, 1.0, 2.0, 9.0), (0.5, 4.0, 4.2, 12.0, 20.0, 21.5)])
def test_exposure_is_the_union_of_the_times_before_each_look(looks: tuple[float, ...]) -> None:
    seen = seen_time(looks, 25.0, *LAW)
    # Brute force: of arrivals on a fine comb, those with a look between arrival and departure.
    arrivals = np.arange(0.0, 25.0, 0.02) + 0.01
    times = np.array(looks)
    following = np.append(times, np.inf)[np.searchsorted(times, arrivals)]
    stays = np.exp(LAW[0][0] + LAW[1][0] * np.random.default_rng(1).standard_normal(20_000))
    shown = 1 - np.searchsorted(np.sort(stays), following - arrivals) / len(stays)
    assert seen[0] == pytest.approx(0.02 * shown.sum(), rel=0.01, abs=0.01)


# ------------------------------------------------------------------------- histories against rejection


@lru_cache(maxsize=1)
def many_worlds() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(arrivals, departures, worlds) of one berth from before day 0 to day 6, laws drawn from the priors."""
    rng = np.random.default_rng(5)
    worlds = 300_000
    rate = rng.gamma(RATE_SHAPE, 1 / RATE_OFFSET, worlds)
    mu = np.log(PRIOR[0]) + np.log(PRIOR[1]) * rng.standard_normal(worlds)
    sigma = rng.choice(SPREADS, worlds)
    time, going = np.full(worlds, -RUN_IN), np.arange(worlds)
    found = []
    while going.size:
        arrival = time[going] + rng.exponential(size=going.size) / np.maximum(rate[going], 1e-12)
        going, arrival = going[arrival < 6], arrival[arrival < 6]
        time[going] = arrival + np.exp(mu[going] + sigma[going] * rng.standard_normal(going.size))
        found.append((arrival, time[going].copy(), going))
    arrivals, departures, which = (np.concatenate(part) for part in zip(*found, strict=True))
    return arrivals, departures, which


def at(time: float) -> np.ndarray:
    """(worlds,) place of the stay that takes the berth at a time; -1 = empty."""
    arrivals, departures, which = many_worlds()
    here = np.flatnonzero((arrivals <= time) & (time < departures))
    found = np.full(300_000, -1)
    found[which[here]] = here
    return found


def hidden_among(times: tuple[float, ...], period: float) -> np.ndarray:
    """(worlds,) arrivals of the period that none of the looks shows."""
    arrivals, departures, which = many_worlds()
    shown = np.zeros(len(arrivals), bool)
    for time in times:
        shown |= (arrivals <= time) & (time < departures)
    counts = (arrivals >= 0) & (arrivals < period) & ~shown
    return np.bincount(which[counts], minlength=300_000)


@pytest.mark.parametrize(
    ("times", "ships"),
    [((0.0, 2.0, 4.0), (0, 1, 0)), ((1.0, 5.0), (0, 0)), ((0.5, 2.0, 4.0), (1, 0, 2)), ((0.0, 5.0), (1, 2))],
)
def test_histories_agree_with_all_worlds_that_the_looks_allow(
    times: tuple[float, ...], ships: tuple[int, ...]
) -> None:
    places = [at(time) for time in times]
    fits = np.ones(300_000, bool)
    for place, ship in zip(places, ships, strict=True):
        fits &= (place >= 0) == (ship > 0)
    for k in range(1, len(ships)):
        if ships[k - 1] and ships[k]:
            fits &= places[k - 1] != places[k]
    truth = hidden_among(times, 6.0)[fits]
    assert len(truth) > 2000
    found = draw_histories([Looks(times=times, ships=ships)], 6.0, stay=PRIOR, seed=3, sweeps=(40, 200))
    hidden = found.hidden.sum(axis=1)
    chance = 3 * truth.std() / np.sqrt(len(truth))
    assert hidden.mean() == pytest.approx(truth.mean(), rel=0.05, abs=chance)
    assert np.mean(hidden == 0) == pytest.approx(np.mean(truth == 0), abs=0.02)


@pytest.mark.parametrize(
    ("width", "rate", "median", "spread"),
    [(1.0, 0.2, 1.5, 1), (31.0, 0.5, 1.2, 4), (10.0, 1.0, 0.6, 0), (0.05, 0.5, 1.5, 3), (2.0, 4.0, 0.5, 2)],
)
def test_a_berth_is_empty_again_as_often_as_in_many_histories(
    width: float, rate: float, median: float, spread: int
) -> None:
    rng = np.random.default_rng(7)
    cases = 200_000
    laws = (np.full(cases, v) for v in (0.0, width, rate, np.log(median), SPREADS[spread]))
    share = _wander(*laws, rng=rng)[0].mean()
    first, second, third = (np.full(1, value) for value in (width, rate, np.log(median)))
    found = np.exp(log_vacant(first, second, third, np.full(1, spread)))
    assert found[0] == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / cases) + 2e-3)


def sum_over_histories(looks: Looks, period: float) -> float:
    """Mean number of hidden visits by brute force: every history in steps of a twentieth of a day.

    Forward over the steps, for a grid of rates and stay laws at once: `weight` that the berth falls free at a
    step with all looks before it as they were, and `hidden`, the same times the number of hidden visits.
    """
    from scipy.special import ndtr

    step, longest = 0.05, 240
    steps = round((period + RUN_IN) / step)
    at_step = [round((time + RUN_IN) / step) for time in looks.times]
    shown = dict(zip(at_step, looks.ships, strict=True))
    first = {ship: min(k for k, s in shown.items() if s == ship) for ship in looks.ships if ship}
    last = {ship: max(k for k, s in shown.items() if s == ship) for ship in looks.ships if ship}
    mus = np.log(PRIOR[0]) + np.log(PRIOR[1]) * np.linspace(-2.8, 2.8, 15)
    rates = np.exp(np.linspace(np.log(0.02), np.log(4.0), 18))
    rate, mu, sigma = (a.ravel() for a in np.meshgrid(rates, mus, SPREADS, indexing="ij"))
    with np.errstate(divide="ignore"):
        below = ndtr((np.log(step * np.arange(longest + 1))[:, None] - mu) / sigma)
    lasts, comes = np.diff(below, axis=0), 1 - np.exp(-rate * step)
    weight, hidden = np.zeros((steps + longest + 1, rate.size)), np.zeros((steps + longest + 1, rate.size))
    weight[0] = 1.0
    at_step.append(10 * steps)
    for now in range(steps):
        ship = shown.get(now)
        if ship in (None, 0):
            weight[now + 1] += weight[now] * (1 - comes)
            hidden[now + 1] += hidden[now] * (1 - comes)
        if ship == 0:
            continue
        arrived, counted = weight[now] * comes, hidden[now] * comes
        following = next(k for k in at_step if k >= now)
        until = min(following - now, longest)
        weight[now + 1 : now + until + 1] += arrived * lasts[:until]
        inside = arrived if now * step >= RUN_IN else 0.0
        hidden[now + 1 : now + until + 1] += (counted + inside) * lasts[:until]
        ship = shown.get(following, 0)
        if ship and first[ship] == following:
            soonest = last[ship] - now
            until = min(next(k for k in at_step if k > last[ship]) - now, longest)
            weight[now + soonest + 1 : now + until + 1] += arrived * lasts[soonest:until]
            hidden[now + soonest + 1 : now + until + 1] += counted * lasts[soonest:until]
    # Free at the end, or taken beyond it; `longest` is longer than any stay that matters.
    total, number = weight[steps:].sum(axis=0), hidden[steps:].sum(axis=0)
    prior = (
        RATE_SHAPE * np.log(rate)
        - RATE_OFFSET * rate
        - 0.5 * (mu - np.log(PRIOR[0])) ** 2 / np.log(PRIOR[1]) ** 2
    )
    chance = total * np.exp(prior - prior.max())
    return float(chance @ (number / np.maximum(total, 1e-300)) / chance.sum())


@pytest.mark.parametrize(("cloud", "median"), [(0.5, 0.6), (0.7, 1.6)])
def test_hidden_visits_are_those_of_the_sum_over_every_history(cloud: float, median: float) -> None:
    looks, _, _ = simulate(np.random.default_rng(3), cloud, (4.0, median, 0.35), days=90)
    drawn = draw_histories([looks], 90.0, stay=PRIOR, seed=3, sweeps=(30, 200))
    counts = drawn.hidden.sum(axis=1).reshape(200, -1).mean(axis=0)  # of each chain
    chance = 3 * counts.std() / np.sqrt(len(counts))
    assert counts.mean() == pytest.approx(sum_over_histories(looks, 90.0), rel=0.02, abs=chance)
    # The chains have not to be awaited: what counts from the thirtieth sweep on is as what follows.
    early, late = np.split(drawn.hidden.sum(axis=1).reshape(200, -1).mean(axis=1), [50])
    assert early.mean() == pytest.approx(late.mean(), rel=0.12)


def test_two_visits_in_one_gap_are_as_likely_as_among_all_worlds() -> None:
    first, second = at(0.0), at(3.0)
    both = (first >= 0) & (second >= 0)
    changed = (first != second)[both].mean()
    doubtful = Looks(times=(0.0, 3.0), ships=(1, 1), alike=(0.0,))
    histories = draw_histories([doubtful], 6.0, stay=PRIOR, seed=4, sweeps=(40, 200))
    assert histories.parted[:, 1].mean() == pytest.approx(changed, abs=0.04)
    (one,) = infer_unseen([doubtful], 6.0, stay=PRIOR).parted
    assert one[0] == 1
    assert one[1] == pytest.approx(changed, abs=0.1)
    certain = Looks(times=(0.0, 3.0), ships=(1, 1), alike=(15.0,))
    assert infer_unseen([certain], 6.0, stay=PRIOR).parted == ((1, 0.0),)


# ------------------------------------------------------------------------------------------- posterior


def daily(days: range, hidden: range = range(0)) -> tuple[float, ...]:
    return tuple(float(day) for day in days if day not in hidden)


def regular(looks: tuple[float, ...], every: float, until: float) -> tuple[int, ...]:
    """Which ship each look shows where one of two days comes every so often."""
    ships = np.zeros(len(looks), int)
    for number, arrival in enumerate(np.arange(1.5, until, every), start=1):
        ships[(np.array(looks) >= arrival) & (np.array(looks) <= arrival + 2.0)] = number
    return tuple(ships.tolist())


def posterior(looks: tuple[float, ...], ships: tuple[int, ...], period: float) -> Unseen:
    return infer_unseen([Looks(times=looks, ships=ships)], period, stay=PRIOR)


def test_a_hidden_month_holds_unseen_visits_and_they_lie_in_it() -> None:
    clear = daily(range(121))
    veiled = daily(range(121), range(60, 91))
    open_year = posterior(clear, regular(clear, 6.0, 118.0), 120.0)
    hidden = posterior(veiled, regular(veiled, 6.0, 118.0), 120.0)
    assert mean_count(open_year) < 1.5
    assert quantile(hidden, 0.05) <= 5 <= quantile(hidden, 0.95)
    assert mean_count(hidden) > mean_count(open_year) + 2
    assert sum(w for a, b, w in hidden.gaps if a >= 59 and b <= 91) > 0.7
    assert hidden.exposure < open_year.exposure


def test_fewer_looks_mean_more_unseen_and_less_exposure() -> None:
    every = [tuple(float(d) for d in range(0, 121, step)) for step in (1, 3, 6)]
    found = [posterior(looks, regular(looks, 6.0, 118.0), 120.0) for looks in every]
    assert found[0].exposure > found[1].exposure > found[2].exposure
    assert mean_count(found[0]) < mean_count(found[1])


def test_a_ship_that_lies_there_throughout_hides_nobody() -> None:
    lying = infer_unseen([Looks(times=(0.0, 20.0), ships=(1, 1), alike=(40.0,))], 20.0, stay=PRIOR)
    empty = posterior((0.0, 20.0), (0, 0), 20.0)
    assert lying.probability[0] == 1.0
    assert mean_count(empty) > 1.0
    stranger = Looks(times=(0.0, 20.0), ships=(1, 1), alike=(40.0,), strangers=frozenset({1}))
    assert infer_unseen([stranger], 20.0, stay=PRIOR).probability[0] == 1.0


def test_a_veiled_month_borrows_the_rate_of_the_others() -> None:
    veiled = daily(range(121), range(60, 91))
    ships = regular(veiled, 3.0, 118.0)
    ends = [30.0, 60.0, 91.0, 121.0]
    found = infer_unseen([Looks(times=veiled, ships=ships)], 120.0, stay=PRIOR, month_ends=ends)
    low, middle, high = found.by_month[2]
    # One ship every three days: some nine of ten fall into the month, give or take its own activity.
    assert low < 9 < high
    assert 5 <= middle <= 13
    assert found.by_month[0][1] <= 2
    assert found.month_rate[2] == pytest.approx(np.mean(found.month_rate[[0, 1, 3]]), rel=0.35)


def test_without_any_look_nothing_is_excluded() -> None:
    found = posterior((), (), 30.0)
    assert found.exposure == pytest.approx(0.0)
    assert found.probability[0] < 0.5
    assert sum(w for _, _, w in found.gaps) == pytest.approx(1.0)


def test_an_instant_hides_nothing() -> None:
    found = posterior((0.0,), (0,), 0.0)
    assert found.probability.tolist() == [1.0]
    assert found.exposure == 1.0


def test_the_same_seed_gives_the_same_histories() -> None:
    berth = Looks(times=(0.0, 2.0, 5.0), ships=(0, 1, 0))
    first, again, other = (draw_histories([berth], 6.0, stay=PRIOR, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.hidden, again.hidden)
    assert not np.array_equal(first.stay_log_median, other.stay_log_median)


def simulate(
    rng: np.random.Generator, cloud: float, law: tuple[float, float, float], days: int = 365
) -> tuple[Looks, int, int]:
    """(looks, unseen visits, all visits) of a year at one berth; law: idle mean, stay median, its spread."""
    looks, cloudy = [], False
    for day in range(days + 1):
        cloudy = bool(rng.random() < cloud + 0.3 * (float(cloudy) - cloud))
        if not cloudy:
            looks.append(day + 0.1)
    times, ships = np.array(looks), np.zeros(len(looks), int)
    number, unseen, free = 0, 0, -20.0
    while (arrival := free + rng.exponential(law[0])) < days:
        free = arrival + float(np.exp(np.log(law[1]) + law[2] * rng.standard_normal()))
        shown = (times >= arrival) & (times <= free)
        if arrival >= 0:
            number += 1
            unseen += not shown.any()
        ships[shown] = number + 1000 * (arrival < 0)
    return Looks(times=tuple(looks), ships=tuple(ships.tolist())), unseen, number


def test_the_posterior_holds_the_truth_of_simulated_years() -> None:
    scores, inside, counts = [], [], []
    for cloud in (0.4, 0.6, 0.8):
        rng = np.random.default_rng(int(10 * cloud))
        for seed in range(4):
            law = (5.0, PRIOR[0] * PRIOR[1] ** rng.standard_normal(), rng.choice(SPREADS))
            looks, unseen, every = simulate(rng, cloud, law, days=240)
            found = infer_unseen([looks], 240.0, stay=PRIOR, seed=seed)
            counts.append((mean_count(found) - unseen, every))
            inside.append(quantile(found, 0.025) <= unseen <= quantile(found, 0.975))
            places = np.arange(len(found.probability))
            sigma = np.sqrt(found.probability @ (places - mean_count(found)) ** 2 + 1 / 12)
            scores.append((unseen - mean_count(found)) / sigma)
    # Of 12 years three outside 95 % come once in fifty times; scores have a spread of one, and their mean one
    # of 1 / root 12. `bench --only season` has the figures over many years.
    assert sum(inside) >= 10
    assert abs(np.mean(scores)) * np.sqrt(len(scores)) < 2.5
    assert 0.4 < np.std(scores) < 1.5
    errors, every = np.array(counts, dtype=np.float64).T
    assert abs(errors.sum() / every.sum()) < 0.15
