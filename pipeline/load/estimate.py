"""From a freeboard likelihood to draught, deadweight on board and cargo, with the budget of their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from pipeline.config import LoadConfig
from pipeline.datatypes import Detection, Identity, Ship
from pipeline.errors import Refused
from pipeline.load.hydrostatics import Hull, deadweight_at
from pipeline.load.mixture import Candidate, Draws, draw_ships, list_candidates, weigh_freeboards
from pipeline.load.particulars import draw_deviates
from pipeline.load.table import Setting, tabulate_cargo, thin_curve
from pipeline.readings import CargoTable, Estimate, Freeboard, Load, LoadOutcome

Array = npt.NDArray[np.float64]

WORST_LENGTH = 0.25
"""Relative sigma of a measured length beyond which no size follows from it [1]."""
LEAST_EVIDENCE = 1e-4
"""Density of the measured freeboard under all candidates below which they are all wrong [1/m]."""
FINEST_CURVE = 240
"""Points of a likelihood that are worth their time; a finer one is thinned."""


def estimate_load(
    detection: Detection,
    freeboard: Freeboard,
    identity: Sequence[Identity],
    fleet: Sequence[Ship],
    *,
    water_density: float | None,
    config: LoadConfig,
) -> LoadOutcome:
    """Draught, load and its budget from one ship's freeboard curve.

    A Monte Carlo over who she is (ranked identities, the rest a tanker of the measured length and beam), her
    depth and load line, deck edge, waterplane, consumables, residual ballast and the water; each draw weighs
    the whole freeboard curve, not its mean. Same inputs, same numbers: the seed is in `config`.

    A freeboard alone does not tell cargo from water ballast. Each draw therefore holds two hypotheses for
    every freeboard: *loaded*, where cargo is what is on board less consumables and residual ballast, with all
    fills equally likely; and *ballast*, where the draught follows the formulations of MARPOL UI Appendix 1
    and cargo is nil. An arriving empty ship thus gets no cargo, with the remaining chance of a part cargo in
    its interval, and not the weight of her ballast water.

    Fraction and cargo are medians. A curve with tails leaves a full ship some chance of ballast, and an empty
    one of a part cargo; a mean is drawn off the one and to the other and lies where she cannot be. A sum over
    ships wants means: it is drawn from `load.table`, where these stand.

    Parameters
    ----------
    detection
        Length and beam [m], used where the register is silent.
    freeboard
        With its curve; the prior over freeboard is not in it.
    identity
        Ranked, with "none of these".
    fleet
        The register [t, m].
    water_density
        At the berth [kg/m3]; None = coastal sea water with a spread.
    config
        Consumables, deck edge, draws and seed.

    Returns
    -------
    LoadOutcome
        Cargo is within 0 and capacity; `load_not_known` with code `no-particulars` where neither a register
        nor the measured size supports a load, or where none of the candidates can float so.

    References
    ----------
    Load Lines 1966, MARPOL UI App. 1, and the modules `hydrostatics`, `loadline`, `particulars`, `mixture`.
    """
    candidates = list_candidates(identity, fleet)
    refused = _without_size(detection, candidates)
    if refused is not None:
        return LoadOutcome(draught=None, load=None, load_not_known=refused)
    deviates = draw_deviates(config.draws, config.seed)
    draws = draw_ships(candidates, detection, deviates, water_density=water_density, config=config)
    measured, likelihood = thin_curve(freeboard.curve, FINEST_CURVE)
    posterior = _weigh(draws, measured, likelihood, config=config)
    if posterior is None:
        message = (
            f"a freeboard of {freeboard.value:.1f} m fits no candidate of {detection.length:.0f} m x "
            f"{detection.beam:.0f} m; check the outline or give the ship's depth in the fleet file"
        )
        return LoadOutcome(
            draught=None, load=None, load_not_known=Refused(code="no-particulars", message=message)
        )
    setting = Setting(candidates=candidates, detection=detection, water_density=water_density, config=config)
    return _outcome(draws, posterior, setting, deviates)


def _without_size(detection: Detection, candidates: Sequence[Candidate]) -> Refused | None:
    """Why there is nothing to hang a load on, or None."""
    known = sum(c.probability for c in candidates if c.ship is not None and c.ship.dwt is not None)
    sound = (
        np.isfinite([detection.length, detection.beam, detection.length_sigma, detection.beam_sigma]).all()
        and detection.length > 20
        and detection.beam > 3
        and detection.length_sigma < WORST_LENGTH * detection.length
    )
    if sound or known > 0.5:
        return None
    return Refused(
        code="no-particulars",
        message=f"no register row fits and the outline ({detection.length:.0f} +- "
        f"{detection.length_sigma:.0f} m x {detection.beam:.0f} m) gives no size; name the ship in the fleet "
        "file",
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posterior:
    """Equally likely samples of everything, given the curve; (draws,) arrays."""

    index: npt.NDArray[np.int64]
    """Of the draw."""
    measured: Array
    """Measured freeboard [m]."""
    ballast: npt.NDArray[np.bool_]
    ballast_probability: float
    """Integrated, not sampled."""


def _weigh(draws: Draws, measured: Array, likelihood: Array, *, config: LoadConfig) -> Posterior | None:
    """Samples of draw, freeboard and condition in proportion to prior times likelihood; None = no fit."""
    _, _, loaded, ballast = weigh_freeboards(draws, measured, config=config)
    loaded, ballast = (density * likelihood * draws.weight for density in (loaded, ballast))
    total = loaded.sum() + ballast.sum()
    if not total > LEAST_EVIDENCE * likelihood.sum() * draws.weight.sum():
        return None
    each = np.concatenate([loaded, ballast], axis=1)
    rows = np.cumsum(each.sum(axis=1)) / total
    count = len(rows)
    picks = (np.arange(count) + 0.5) / count
    index = np.minimum(np.searchsorted(rows, picks), count - 1)
    # A second, unrelated low-discrepancy sequence places the freeboard within its draw.
    within = (np.arange(count) * 0.6180339887498949 + 0.5) % 1.0
    cumulative = np.cumsum(each[index], axis=1)
    place = (cumulative < (within * cumulative[:, -1])[:, None]).sum(axis=1)
    place = np.minimum(place, each.shape[1] - 1)
    return Posterior(
        index=index,
        measured=measured[place % len(measured)],
        ballast=place >= len(measured),
        ballast_probability=float(ballast.sum() / total),
    )


def _outcome(draws: Draws, posterior: Posterior, setting: Setting, deviates: dict[str, Array]) -> LoadOutcome:
    """The samples in numbers."""
    pick = posterior.index
    on_board, draught = _float_at(draws, pick, posterior.measured)
    capacity = draws.capacity[pick, 0]
    unbounded = on_board - draws.consumables[pick, 0] - draws.residual[pick, 0]
    cargo = np.where(posterior.ballast, 0.0, np.clip(unbounded, 0.0, capacity))
    fraction = cargo / capacity
    low, high = np.quantile(fraction, [0.05, 0.95])
    table = tabulate_cargo(draws, setting, deviates)
    load = Load(
        fraction=float(np.median(fraction)),
        sigma=float(fraction.std()),
        interval90=(float(low), float(high)),
        deadweight_on_board=float(on_board.mean()),
        cargo=float(np.median(cargo)),
        cargo_sigma=float(cargo.std()),
        budget=_budget(posterior, table),
        ballast_probability=posterior.ballast_probability,
        table=table,
        sources=draws.sources,
    )
    return LoadOutcome(draught=summarise(draught), load=load, load_not_known=None)


def _float_at(draws: Draws, pick: npt.NDArray[np.int64], measured: Array) -> tuple[Array, Array]:
    """(deadweight on board, draught) of draw `pick[k]` at measured freeboard `measured[k]`."""
    hull = Hull(**{f.name: getattr(draws.hull, f.name)[pick, 0] for f in fields(Hull)})
    draught = hull.depth - (measured - draws.bias[pick, 0])
    return deadweight_at(hull, draught, draws.water_density[pick, 0]), draught


def _budget(posterior: Posterior, table: CargoTable) -> tuple[tuple[str, float], ...]:
    """One standard deviation of the cargo by term, largest first; terms below a tonne are left out.

    The image's term is what the spread of the posterior freeboard does to the cargo of a loaded ship; the
    term "condition" is the doubt between cargo and water ballast.
    """
    nodes: Array = table.start + table.step * np.arange(len(table.cargo), dtype=np.float64)
    carried = np.interp(posterior.measured, nodes, table.cargo)
    loaded = ~posterior.ballast
    share = 1 - posterior.ballast_probability
    terms = {name: float(np.sqrt(share)) * _mean_of(sigma, nodes, posterior) for name, sigma in table.terms}
    if loaded.any():
        terms["image"] = float(np.sqrt(share) * carried[loaded].std())
        terms["condition"] = float(np.sqrt(share * (1 - share)) * carried[loaded].mean())
    ranked = sorted(terms.items(), key=lambda item: (-item[1], item[0]))
    return tuple((name, float(value)) for name, value in ranked if value >= 1.0)


def _mean_of(sigma: Sequence[float], nodes: Array, posterior: Posterior) -> float:
    """Of a term over the freeboards of a loaded ship, in square."""
    loaded = ~posterior.ballast
    if not loaded.any():
        return 0.0
    return float(np.sqrt(np.mean(np.interp(posterior.measured[loaded], nodes, sigma) ** 2)))


def summarise(samples: Array) -> Estimate:
    """Mean, standard deviation and central 90 % interval of equally likely samples."""
    low, high = np.quantile(samples, [0.05, 0.95])
    return Estimate(
        value=float(samples.mean()), sigma=float(samples.std()), interval90=(float(low), float(high))
    )
