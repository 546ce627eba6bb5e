"""What a freeboard as measured in an image does to the load of a ship of the register.

The simulator's hulls have no deadweight. So each measured ship lends her error, the whole curve, to a ship on
paper of her length, whose particulars, consumables and residual ballast are drawn (`paper_season`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from paper_season import Rng, TrueShip, World, draw_true_ship, freeboard_of, make_detection

from bench.table import Table
from pipeline.config import Config, LoadConfig
from pipeline.datatypes import Identity
from pipeline.load import estimate_load
from pipeline.readings import Freeboard, Load

LBP_OVER_LENGTH = 0.945
IN_BALLAST = (0.0, 0.0)
FILLS = {
    "departures, 80 to 100 %": (0.8, 1.0),
    "part loads, 40 to 80 %": (0.4, 0.8),
    "in ballast": IN_BALLAST,
}
"""Cargo over capacity [1]. A freeboard alone cannot tell a part load from water ballast."""
SEED = 91_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadError:
    """How far the load fraction is off."""

    error: float
    """[1]; NaN where no load follows."""
    holds: bool
    """Whether the truth is in the 90 % interval."""
    known: float
    """The error where it is known that she carries cargo; NaN for a ship in ballast [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PaperShip:
    """A ship of the register and the state she is in."""

    ship: TrueShip
    fill: float
    """Cargo over capacity [1]."""
    freeboard: float
    """[m]"""


def draw_paper_ship(rng: Rng, number: int, length: float, fills: tuple[float, float]) -> PaperShip:
    """A ship of this length over all in a state of a class of `FILLS`, her deck edge where it should be."""
    lbp = LBP_OVER_LENGTH * length
    ship = replace(draw_true_ship(rng, number, World(lengths=(lbp, lbp))), edge=0.0)
    dwt, fill = float(ship.hull.dwt), float(rng.uniform(*fills))
    stores = dwt * float(np.clip(rng.normal(0.06, 0.02), 0.01, 0.12) + 0.006 * 2 ** rng.normal())
    freeboard = freeboard_of(ship, fill * 0.94 * dwt + stores)
    if fills == IN_BALLAST:
        draught = (0.200 + 0.032 * lbp + 1.550 + 0.023 * lbp) / 2 + float(rng.normal(0, 0.35))
        freeboard = float(ship.hull.depth) - draught
    return PaperShip(ship=ship, fill=fill, freeboard=freeboard)


def shifted(measured: Freeboard, shift: float) -> Freeboard:
    """The same reading, with its error, of a ship that floats so much higher [m]."""
    low, high = measured.interval90
    return replace(
        measured,
        value=measured.value + shift,
        interval90=(low + shift, high + shift),
        curve=replace(measured.curve, start=measured.curve.start + shift),
    )


def load_of(paper: PaperShip, measured: Freeboard, config: LoadConfig) -> Load | None:
    """The load of a ship whose row of the register is certain."""
    listed = paper.ship.listed
    return estimate_load(
        make_detection(float(listed.loa or 0.0), float(listed.beam or 0.0)),
        measured,
        (Identity(imo=listed.imo, name=listed.name, probability=1.0),),
        (listed,),
        water_density=None,
        config=config,
    ).load


def compare(paper: PaperShip, measured: Freeboard, config: LoadConfig) -> LoadError:
    """The load against the truth."""
    load = load_of(paper, measured, config)
    if load is None:
        return LoadError(error=float("nan"), holds=False, known=float("nan"))
    low, high = load.interval90
    sure = load_of(paper, measured, replace(config, ballast_prior=0.0)) if paper.fill > 0 else None
    return LoadError(
        error=load.fraction - paper.fill,
        holds=low <= paper.fill <= high,
        known=float("nan") if sure is None else sure.fraction - paper.fill,
    )


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
    paper = draw_paper_ship(np.random.default_rng((SEED, number)), number, length, fills)
    return compare(paper, shifted(measured, paper.freeboard - freeboard), Config().load)


COLUMNS = (
    "measured",
    "load known",
    "mean abs error [points]",
    "median [points]",
    "bias [points]",
    "off by > 25",
    "90 % holds",
    "known to carry cargo: mean abs",
    "its bias",
)
"""Of `summary`."""


def summary(group: Sequence[LoadError]) -> tuple[object, ...]:
    """Errors of a group in numbers."""
    off = 100 * np.array([e.error for e in group])
    known = 100 * np.array([e.known for e in group])
    off, sure = off[np.isfinite(off)], known[np.isfinite(known)]
    return (
        len(group),
        len(off),
        round(float(np.abs(off).mean()), 1) if off.size else None,
        round(float(np.median(np.abs(off))), 1) if off.size else None,
        round(float(off.mean()), 1) if off.size else None,
        int((np.abs(off) > 25).sum()),
        f"{np.mean([e.holds for e in group]):.2f}" if group else None,
        round(float(np.abs(sure).mean()), 1) if sure.size else None,
        round(float(sure.mean()), 1) if sure.size else None,
    )


def load_table(errors: Mapping[str, Mapping[str, Sequence[LoadError]]]) -> Table:
    """Errors by pixel size and fill."""
    rows = [
        (size, fill, *summary(group)) for size, by_fill in errors.items() for fill, group in by_fill.items()
    ]
    return Table(
        "Load from freeboards as measured",
        ("gsd [m]", "truth", *COLUMNS),
        rows,
        "Simulated. Each measured ship lends the error of her freeboard, with its whole curve, to a ship on "
        "paper of her length with the register's particulars, stores and residual ballast drawn. A freeboard "
        "alone leaves a part load and water ballast open; the last columns are for who knows that she is not "
        "in ballast.",
    )
