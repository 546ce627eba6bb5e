"""Cargo against measured freeboard as a table: what looks at one ship need to be combined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.config import LoadConfig
from pipeline.load.mixture import (
    Candidate,
    Draws,
    deadweight,
    draw_ships,
    loaded_cargo,
    pick_draws,
    weigh_freeboards,
)
from pipeline.load.particulars import TERMS, Deviates, Sized, only
from pipeline.readings import CargoTable, Curve, Estimate

Array = npt.NDArray[np.float64]

STEP = 0.1
"""[m]"""
NODES = 80
"""At most; deep ships get a wider step."""
TABLE_DRAWS = 1000
"""Of all terms together."""
TERM_DRAWS = 256
"""Of one term alone."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """What the draws were made from."""

    candidates: Sequence[Candidate]
    detection: Sized
    water_density: float | None
    config: LoadConfig


def thin_curve(curve: Curve, most: int) -> tuple[Array, Array]:
    """(freeboards, likelihood) of a curve where it is not nil, on 48 to `most` points, or `most` if fewer."""
    freeboards = curve.freeboards()
    log_likelihood = np.asarray(curve.log_likelihood, dtype=np.float64)
    keep = np.flatnonzero(log_likelihood > -18.0)
    first, last = max(int(keep[0]) - 1, 0), min(int(keep[-1]) + 2, len(freeboards))
    count = min(max(last - first, 48), most)
    fine = np.linspace(freeboards[first], freeboards[last - 1], count)
    return fine, np.exp(np.interp(fine, freeboards, log_likelihood))


def tabulate_cargo(
    draws: Draws, setting: Setting, deviates: Deviates, *, known: CargoTable | None = None
) -> CargoTable:
    """The table of a ship's draws: prior, condition, cargo and the budget at each freeboard.

    `known` is a table of the same setting and deviates: its terms, which no weight of the draws changes, are
    taken from it.
    """
    stride = max(len(draws.weight) // TABLE_DRAWS, 1)
    some = pick_draws(draws, slice(None, None, stride))  # candidates keep their shares
    nodes, step = _nodes(some)
    on_board, cargo, loaded, ballast = weigh_freeboards(some, nodes, config=setting.config)
    loaded, ballast = some.weight * loaded, some.weight * ballast
    carried = np.clip(cargo, 0.0, some.capacity)
    either = (loaded + ballast).sum(axis=0)
    # Where no draw can float loaded, the nearest thing to a mean is over all of them.
    share = loaded + 1e-9 * some.weight
    mean, sigma = moments(carried, share)
    fill, fill_sigma = moments(carried / some.capacity, share)
    return CargoTable(
        start=float(nodes[0]),
        step=step,
        prior=_plain(either / some.weight.sum()),
        ballast=_plain(ballast.sum(axis=0) / np.maximum(either, 1e-300)),
        cargo=_plain(mean),
        cargo_sigma=_plain(sigma),
        fraction=_plain(fill),
        fraction_sigma=_plain(fill_sigma),
        deadweight=_plain(moments(on_board, loaded + ballast + 1e-9 * some.weight)[0]),
        terms=(
            ("identity", _plain(_between(carried, share, some.candidate))),
            *(_terms(nodes, setting, deviates) if known is None else _terms_at(nodes, known)),
        ),
        capacity=_estimate(some.capacity[:, 0], some.weight[:, 0]),
    )


def _nodes(draws: Draws) -> tuple[Array, float]:
    """Freeboards from nil to the lightest that any draw can show, and their step [m]."""
    lightest = draws.hull.depth - 0.25 * draws.hull.summer_draught + draws.bias
    top = max(float(np.quantile(lightest, 0.99)), 1.0)
    step = max(STEP, float(np.ceil(top / NODES * 20) / 20))
    return np.arange(0.0, top + step, step), step


def moments(values: Array, weights: Array) -> tuple[Array, Array]:
    """(nodes,) weighted mean and standard deviation down the draws."""
    # A candidate that cannot be has no weight at all.
    total = np.maximum(weights.sum(axis=0), 1e-300)
    mean = (weights * values).sum(axis=0) / total
    variance = (weights * (values - mean) ** 2).sum(axis=0) / total
    return mean, np.sqrt(variance)


def _between(cargo: Array, weights: Array, candidate: npt.NDArray[np.int64]) -> Array:
    """(nodes,) standard deviation of the candidates' means: the doubt about who she is."""
    numbers = np.unique(candidate)
    shares = np.array([weights[candidate == n].sum(axis=0) for n in numbers])
    means = np.array([moments(cargo[candidate == n], weights[candidate == n])[0] for n in numbers])
    return moments(means, shares)[1]


def _terms(nodes: Array, setting: Setting, deviates: Deviates) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Each term alone, every other at its centre: spread of the unbounded cargo of a loaded ship."""
    count = min(TERM_DRAWS, len(deviates["edge"]))
    apart = [only(deviates, term, count) for term in (None, *TERMS)]
    # One after the other would take ten times as long: each draw stands here with all its variants.
    together = {name: np.stack([z[name] for z in apart], axis=1).ravel() for name in apart[0]}
    draws = draw_ships(
        setting.candidates,
        setting.detection,
        together,
        water_density=setting.water_density,
        config=setting.config,
        variants=len(apart),
    )
    cargo = loaded_cargo(draws, deadweight(draws, nodes[None, :])).reshape(count, len(apart), -1)
    spread = (cargo[:, 1:] - cargo[:, :1]).std(axis=0)
    return tuple((term, _plain(row)) for term, row in zip(TERMS, spread, strict=True))


def _terms_at(nodes: Array, known: CargoTable) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """The terms of a table, but for the doubt who she is, at other freeboards."""
    places = known.start + known.step * np.arange(len(known.cargo))
    return tuple(
        (term, _plain(np.interp(nodes, places, sigma))) for term, sigma in known.terms if term in TERMS
    )


def _estimate(values: Array, weights: Array) -> Estimate:
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order]) / weights.sum()
    low, high = np.interp([0.05, 0.95], cumulative, values[order])
    mean, sigma = moments(values[:, None], weights[:, None])
    return Estimate(value=float(mean[0]), sigma=float(sigma[0]), interval90=(float(low), float(high)))


def _plain(values: Array) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
