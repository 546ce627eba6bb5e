"""The anchorage in what nobody saw: waits, and calls at anchor, against simulation."""

import numpy as np
import pytest
from paper_season import make_scene, make_site
from test_visits import BALLAST, CONFIG, FLEET, LADEN, beside, cloudy, look, ship_at

from pipeline.products import VisitsDocument
from pipeline.visits import group_visits
from pipeline.visits.gaps import Looks, list_gaps
from pipeline.visits.roads import infer_missed
from pipeline.visits.waits import WAITS, Waiting, learn_waits, not_announced

PRIOR = (1.5, 1.65)


@pytest.mark.parametrize("mean", [0.12, 0.5, 2.0])
def test_waits_are_learned_from_who_was_seen_at_anchor(mean: float) -> None:
    rng = np.random.default_rng(2)
    spans = rng.choice([1.0, 2.0, 4.0], 300)
    waited = rng.exponential(mean, 300) > spans * rng.uniform(0, 1, 300)
    weights = learn_waits(list(zip(spans.tolist(), waited.tolist(), strict=True)))
    assert weights.sum() == pytest.approx(1.0)
    assert np.exp(weights @ np.log(WAITS)) == pytest.approx(mean, rel=0.4)


def test_who_berths_unseen_is_known_from_the_anchorage_as_often_as_in_simulation() -> None:
    gaps = list_gaps([Looks(times=(0.0, 1.0, 9.0), ships=(0, 0, 0))], 12.0, [12.0])
    looks = (0.0, 1.0, 3.0, 4.5, 9.0)
    weights = np.eye(len(WAITS))[list(WAITS).index(0.5)]
    found = not_announced(gaps, Waiting(looks=looks, weights=weights))
    rng = np.random.default_rng(4)
    for gap in (1, 2, 3):
        berthed = rng.uniform(gaps.start[gap], gaps.stop[gap], 200_000)
        came = berthed - rng.exponential(0.5, berthed.size)
        shown = np.zeros(berthed.size, bool)
        for time in looks:
            shown |= (came <= time) & (time < berthed)
        assert found[gap] == pytest.approx(1 - shown.mean(), abs=0.005)


def test_calls_at_anchor_that_nobody_saw_are_as_many_as_in_simulated_years() -> None:
    rng = np.random.default_rng(9)
    scores, inside = [], []
    for _ in range(40):
        median, spread = PRIOR[0] * PRIOR[1] ** rng.standard_normal(), rng.choice([0.25, 0.35, 0.5, 0.7, 0.9])
        looks = np.flatnonzero(rng.random(240) > 0.6) + 0.1
        arrivals = np.sort(rng.uniform(0, 240, rng.poisson(240 * 0.15)))
        leaves = arrivals + median * np.exp(spread * rng.standard_normal(arrivals.size))
        edges = np.array([0.0, *looks, np.inf])
        first, last = np.searchsorted(looks, arrivals), np.searchsorted(looks, leaves)
        seen = [
            ((edges[i], edges[i + 1]), (edges[k], edges[k + 1]))
            for i, k in zip(first, last, strict=True)
            if i < k
        ]
        found = infer_missed(seen, looks.tolist(), 240.0, stay=PRIOR, month_ends=[120.0, 240.0])
        truth, counts = int((first == last).sum()), np.arange(len(found.probability))
        mean = found.probability @ counts
        scores.append((truth - mean) / np.sqrt(found.probability @ (counts - mean) ** 2 + 1 / 12))
        low, high = np.searchsorted(np.cumsum(found.probability), [0.025, 0.975])
        inside.append(low <= truth <= high)
        assert sum(weight for *_, weight in found.gaps) == pytest.approx(mean, rel=1e-3)
        assert sum(part @ np.arange(len(part)) for part in found.by_month) == pytest.approx(mean, rel=1e-3)
    assert abs(np.mean(scores)) * np.sqrt(len(scores)) < 2.5
    assert sum(inside) >= 35


def group(*scenes: object, berths: int = 2) -> VisitsDocument:
    return group_visits(scenes, make_site(berths), FLEET, config=CONFIG)  # type: ignore[arg-type]


def test_a_ship_seen_waiting_is_a_visit_and_no_hidden_one() -> None:
    clear = [look(day) for day in range(1, 12)]
    veiled = [cloudy(day) for day in range(13, 17)]
    waited = group(look(0), *clear, look(12, ship_at("roads", BALLAST)), *veiled, look(17))
    nobody = group(look(0), *clear, look(12), *veiled, look(17))
    assert len(waited.visits) == 1
    assert waited.unseen is not None
    assert nobody.unseen is not None
    # She does not prove that nobody else came unseen.
    assert waited.unseen.probability[0] == pytest.approx(nobody.unseen.probability[0], abs=0.1)


def test_a_terminal_without_berths_has_unseen_calls_too() -> None:
    def scene(day: float, *ships: object) -> object:
        return make_scene(day, {}, ships, cloud=1.0 if 20 <= day < 40 else 0.0)  # type: ignore[arg-type]

    pair = ship_at("roads", LADEN), beside("roads")
    days = [scene(day, *(pair if day % 6 in (1, 2, 3) and not 20 <= day < 40 else ())) for day in range(60)]
    found = group(*days, berths=0)
    assert len(found.visits) == 7
    assert all(len(v.alongside) == 1 for v in found.visits)
    assert found.unseen is not None
    mean = sum(k * p for k, p in enumerate(found.unseen.probability))
    assert 1.0 < mean < 6.0  # one every six days, twenty days hidden
    veiled = zip(found.unseen.days, found.unseen.weights, strict=True)
    assert sum(weight for day, weight in veiled if "2024-03-26" <= day <= "2024-04-16") > 0.7
