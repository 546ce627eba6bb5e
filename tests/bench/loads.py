"""What a freeboard as measured in an image does to the load of a ship of the register.

The simulator's hulls have no deadweight. So each measured ship lends her error, the whole curve, to a laden
ship on paper of her length, whose particulars, consumables and residual ballast are drawn (`paper_season`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from paper_season import World, draw_true_ship, freeboard_of, make_detection

from bench.table import Table
from pipeline.config import Config
from pipeline.datatypes import Identity
from pipeline.load import estimate_load
from pipeline.readings import Freeboard

LBP_OVER_LENGTH = 0.945
FILLS = {"departures, 80 to 100 %": (0.8, 1.0), "part loads, 40 to 80 %": (0.4, 0.8)}
"""Cargo over capacity [1]. A freeboard alone cannot tell a part load from water ballast."""
SEED = 91_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadError:
    """How far the load fraction is off."""

    error: float
    """[1]; NaN where no load follows."""
    holds: bool
    """Whether the truth is in the 90 % interval."""


def load_error(
    measured: Freeboard, freeboard: float, length: float, *, fills: tuple[float, float], number: int
) -> LoadError:
    """The load of a ship of the register whose freeboard is read with the error that this image gave.

    Parameters
    ----------
    measured
        From the image.
    freeboard
        True of the ship in the image [m].
    length
        Over all [m].
    fills
        Range of the true load fraction [1].
    number
        Of the ship, for the draw.
    """
    rng = np.random.default_rng((SEED, number))
    lbp = LBP_OVER_LENGTH * length
    ship = replace(draw_true_ship(rng, number, World(lengths=(lbp, lbp))), edge=0.0)
    dwt, fill = float(ship.hull.dwt), float(rng.uniform(*fills))
    stores = dwt * float(np.clip(rng.normal(0.06, 0.02), 0.01, 0.12) + 0.006 * 2 ** rng.normal())
    shift = freeboard_of(ship, fill * 0.94 * dwt + stores) - freeboard
    low, high = measured.interval90
    carried = replace(
        measured,
        value=measured.value + shift,
        interval90=(low + shift, high + shift),
        curve=replace(measured.curve, start=measured.curve.start + shift),
    )
    who = Identity(imo=ship.listed.imo, name=ship.listed.name, probability=1.0)
    outcome = estimate_load(
        make_detection(length, float(ship.hull.beam)),
        carried,
        (who,),
        (ship.listed,),
        water_density=None,
        config=Config().load,
    )
    if outcome.load is None:
        return LoadError(error=float("nan"), holds=False)
    low, high = outcome.load.interval90
    return LoadError(error=outcome.load.fraction - fill, holds=low <= fill <= high)


def load_table(errors: Mapping[str, Mapping[str, Sequence[LoadError]]]) -> Table:
    """Errors by pixel size and fill."""
    rows = []
    for size, by_fill in errors.items():
        for fill, group in by_fill.items():
            off = 100 * np.array([e.error for e in group])
            known = np.isfinite(off)
            held = f"{np.mean([e.holds for e in group]):.2f}" if group else None
            rows.append(
                (
                    size,
                    fill,
                    len(group),
                    int(known.sum()),
                    round(float(np.abs(off[known]).mean()), 1) if known.any() else None,
                    round(float(off[known].mean()), 1) if known.any() else None,
                    held,
                )
            )
    return Table(
        "Load from freeboards as measured",
        (
            "gsd [m]",
            "truth",
            "measured",
            "load known",
            "mean abs error [points]",
            "bias [points]",
            "90 % holds",
        ),
        rows,
        "Simulated. Each measured ship lends the error of her freeboard, with its whole curve, to a ship on "
        "paper of her length with the register's particulars, stores and residual ballast drawn. A freeboard "
        "alone leaves a part load and water ballast open.",
    )
