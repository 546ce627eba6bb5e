"""From visits to barrels: a Monte Carlo over what visits share and what they do not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np
import numpy.typing as npt

from pipeline.config import Config
from pipeline.constants import BARREL
from pipeline.datatypes import Ship
from pipeline.products import (
    Barrels,
    BudgetTerm,
    Designated,
    Period,
    Product,
    ProductBarrels,
    Quantiles,
    SceneResult,
    Visit,
    VisitBarrels,
    VisitCounts,
    VisitsDocument,
    VolumeDocument,
)
from pipeline.volume.cap import count_cap
from pipeline.volume.draws import Season, draw_cargo, draw_unseen

Array = npt.NDArray[np.float64]

USUAL_DENSITIES = (("gasoline", 745.0), ("kerosene", 800.0), ("diesel", 840.0), ("fuel oil", 980.0))
"""At 15 degC [kg/m3] (physics.md 5); diesel within EN 590."""


def barrels_per_tonne(density15: npt.ArrayLike) -> Array:
    """Barrels at 15 degC of a tonne of product: 1000 / density / 0.158987294928 [1/t].

    No temperature correction is due: a standard volume is mass over the density at 15 degC in vacuum.
    """
    return np.asarray(1000.0 / (np.asarray(density15, dtype=np.float64) * BARREL))


def estimate_volume(
    visits: VisitsDocument,
    results: Sequence[SceneResult],
    fleet: Sequence[Ship],
    *,
    config: Config,
    period: Period | None = None,
) -> VolumeDocument:
    """Barrels of a season: measured, imputed, unseen, their sums, and the yearly cap.

    Parameters
    ----------
    visits
        With budgets by term, from which shared and independent errors are told apart.
    results
        Give the period; refused and undated scenes do not count.
    fleet
        Gives the UN list by IMO number as of each visit's date.
    config
        Product, cap, draws and seed; the same seed gives the same numbers.
    period
        What is counted over where there are no scenes; None = from the first of `results` to the last.

    Returns
    -------
    VolumeDocument
        `measured` + `imputed` = `baseline`, what was seen; `unseen` is apart and in `total` alone. Valid with
        no visits and with no scenes (then every quantile is nil and `period` is None).
    """
    settings = config.volume
    season = draw_season(visits, fleet, config=config)
    measured = np.array([v.status == "measured" for v in visits.visits], dtype=bool)
    barrels = season.cargo * season.barrels_per_tonne
    tonnes = season.cargo[measured].sum(axis=0), season.cargo[~measured].sum(axis=0)
    unseen = season.unseen_cargo.sum(axis=0)
    period = period or _period(results)
    return VolumeDocument(
        period=period,
        product=Product(
            name=settings.product,
            density15=settings.density15,
            density15_sigma=settings.density15_sigma,
        ),
        seed=settings.seed,
        draws=settings.draws,
        barrels=_parts(*(part * season.barrels_per_tonne for part in (*tonnes, unseen))),
        tonnes=_parts(*tonnes, unseen),
        by_product=_by_product(tonnes[0] + tonnes[1], unseen),
        visits=VisitCounts(seen=len(visits.visits), unseen=quantiles(season.unseen.astype(np.float64))),
        cap=() if period is None else count_cap(visits, season, period, config=settings),
        un_designated=count_designated(visits.visits, fleet),
        by_visit=tuple(
            _by_visit(visit, row, config) for visit, row in zip(visits.visits, barrels, strict=True)
        ),
        simulated=visits.simulated,
    )


def draw_season(visits: VisitsDocument, fleet: Sequence[Ship], *, config: Config) -> Season:
    """All draws of a season, from the seed alone."""
    settings = config.volume
    cargo_rng, unseen_rng, product_rng = (
        np.random.default_rng(child) for child in np.random.SeedSequence(settings.seed).spawn(3)
    )
    cargo = draw_cargo(visits.visits, settings.draws, cargo_rng)
    counts, unseen = draw_unseen(visits.unseen, cargo, fleet, settings.draws, unseen_rng)
    density = settings.density15 + settings.density15_sigma * product_rng.standard_normal(settings.draws)
    return Season(
        cargo=cargo,
        unseen=counts,
        unseen_cargo=unseen,
        barrels_per_tonne=barrels_per_tonne(np.maximum(density, 500.0)),
    )


def _parts(measured: Array, imputed: Array, unseen: Array) -> Barrels:
    """Quantiles of the parts and of their sums, draw by draw."""
    return Barrels(
        measured=quantiles(measured),
        imputed=quantiles(imputed),
        unseen=quantiles(unseen),
        baseline=quantiles(measured + imputed),
        total=quantiles(measured + imputed + unseen),
    )


def _by_product(baseline: Array, unseen: Array) -> tuple[ProductBarrels, ...]:
    """What the same tonnes would be of each usual product, at its usual density."""
    found = []
    for name, density in USUAL_DENSITIES:
        factor = float(barrels_per_tonne(density))
        found.append(
            ProductBarrels(
                name=name,
                density15=density,
                baseline=quantiles(factor * baseline),
                total=quantiles(factor * (baseline + unseen)),
            )
        )
    return tuple(found)


def quantiles(draws: Array) -> Quantiles:
    """5th, 50th and 95th percentile; nil without draws."""
    if draws.size == 0:
        return Quantiles(p05=0.0, p50=0.0, p95=0.0)
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
    return Quantiles(p05=float(low), p50=float(middle), p95=float(high))


def _period(results: Sequence[SceneResult]) -> Period | None:
    times = [r.datetime for r in results if r.datetime is not None and r.status == "ok"]
    return Period(start=min(times), end=max(times)) if times else None


def _by_visit(visit: Visit, barrels: Array, config: Config) -> VisitBarrels:
    """One visit's barrels and its budget, the product's density among the terms."""
    settings = config.volume
    factor = float(barrels_per_tonne(settings.density15))
    terms = [(term, sigma * factor) for term, sigma in visit.budget]
    density = visit.cargo_loaded.value * factor * settings.density15_sigma / settings.density15
    terms.append(("density", density))
    terms.sort(key=lambda item: (-item[1], item[0]))
    return VisitBarrels(
        visit_id=visit.visit_id,
        barrels=quantiles(barrels),
        budget=tuple(BudgetTerm(term=term, sigma_barrels=sigma) for term, sigma in terms),
    )


def count_designated(visits: Sequence[Visit], fleet: Sequence[Ship]) -> Designated:
    """Visits by ships on the UN list at the time, in expectation over identities; share: of all visits."""
    expected = sum(
        entry.probability
        for visit in visits
        for entry in visit.identity
        if entry.name is not None and _listed(entry.imo, entry.name, fleet, visit.arrival_window[1])
    )
    return Designated(visits=float(expected), share=float(expected / len(visits)) if visits else 0.0)


def _listed(imo: int | None, name: str, fleet: Sequence[Ship], when: datetime) -> bool:
    """Whether the register has her on the list by then; without a readable date, from ever."""
    for ship in fleet:
        same = ship.imo == imo if imo is not None else ship.imo is None and ship.name == name
        if same and ship.un_designated:
            since = _date(ship.un_designation_date)
            return since is None or since <= when.astimezone(UTC).date()
    return False


def _date(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        return None
