"""Cargo of one known ship at a draught that somebody read at her marks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.config import LoadConfig
from pipeline.datatypes import Detection, Ship
from pipeline.load.hydrostatics import deadweight_at
from pipeline.load.mixture import FULLEST, Candidate, column, draw_ships, loaded_cargo
from pipeline.load.particulars import TERMS, Deviates, draw_deviates, only

Array = npt.NDArray[np.float64]
Terms = tuple[tuple[str, float], ...]


def cargo_at_draught(
    ship: Ship, detection: Detection, draught: tuple[float, float], *, config: LoadConfig
) -> tuple[Array, Array, Array, Terms]:
    """(cargo [t], fraction [1], capacity [t], budget [t]) of a loaded ship at a draught (value, sigma) [m].

    Parameters
    ----------
    ship
        Her row of the register; what it lacks is drawn from rules and proportions.
    detection
        Her length and beam.
    draught
        Amidships, with its error, in coastal sea water.
    config
        Consumables, draws and seed.

    Returns
    -------
    (draws,) arrays and one standard deviation by term. Cargo lies within nil and what the load line allows;
    it says nothing of a ship in ballast, whose water weighs as much.
    """
    deviates = draw_deviates(config.draws, config.seed)
    found, capacity, weight = _cargo(ship, detection, draught, deviates, config)
    order = np.argsort(found, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    places = np.searchsorted(share, (np.arange(len(found)) + 0.5) / len(found))
    picks = order[np.minimum(places, len(found) - 1)]
    terms = {}
    for name in TERMS:
        label = {"deck-edge": "draught"}.get(name, name)  # whose deviate stands for the reading's error here
        z = only(deviates, name, config.draws)
        terms[label] = float(_cargo(ship, detection, draught, z, config)[0].std())
    chosen = found[picks]
    return chosen, chosen / capacity[picks], capacity[picks], tuple(sorted(terms.items()))


def _cargo(
    ship: Ship, detection: Detection, draught: tuple[float, float], z: Deviates, config: LoadConfig
) -> tuple[Array, Array, Array]:
    """(cargo, capacity, weight) of each draw; the deck edge has no part in a draught, its deviate is free."""
    who = (Candidate(ship=ship, probability=1.0),)
    draws = draw_ships(who, detection, z, water_density=None, config=config)
    read = draught[0] + draught[1] * column(z, "edge")
    on_board = deadweight_at(draws.hull, read, draws.water_density)
    cargo = np.clip(loaded_cargo(draws, on_board), 0.0, FULLEST * draws.capacity)
    weight = np.broadcast_to(draws.weight, cargo.shape)
    return cargo[:, 0], draws.capacity[:, 0], weight[:, 0]
