"""Cargo of ships that called several times: tables of one call alone beside tables of all her calls.

Simulated on paper, without pixels: see `called_ships`. The habit in ballast is drawn for each ship.
"""

from __future__ import annotations

import numpy as np
from called_ships import departures, draw_called_ship

from bench.table import Table
from pipeline.config import Config, LoadConfig
from pipeline.load import calibrate_loads

SHIPS, CALLS = 30, 6
CONFIG = Config(load=LoadConfig(draws=800))
LACKING: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("nothing", ()),
    ("depth", ("depth",)),
    ("depth and summer draught", ("depth", "summer_draught")),
)


def tables() -> list[Table]:
    """One table."""
    rows = []
    for name, unknown in LACKING:
        errors: dict[str, list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]] = {}
        for seed in range(SHIPS):
            one = draw_called_ship(np.random.default_rng(seed), calls=CALLS, unknown=unknown, config=CONFIG)
            after, _ = calibrate_loads(one.results, (one.listed,), water_density=1024.0, config=CONFIG)
            for way, results in (("one call", one.results), ("all calls", after)):
                found = departures(results)
                inside = (found[:, 2] <= one.cargo) & (one.cargo <= found[:, 3])
                scaled = np.stack([found[:, 0] - one.cargo, found[:, 1]]) / one.capacity
                errors.setdefault(way, []).append(np.vstack([scaled, inside]))
        for way, each in errors.items():
            error, sigma, held = np.moveaxis(np.array(each), 1, 0)
            rows.append(
                (
                    name,
                    way,
                    100 * float(np.abs(error).mean()),
                    100 * float(np.sqrt(np.mean(error.mean(axis=1) ** 2))),
                    100 * float(sigma.mean()),
                    100 * float(held.mean()),
                )
            )
    columns = (
        "register lacks",
        "read from",
        "error [points]",
        "a ship's mean error, rms [points]",
        "sigma [points]",
        "inside 90 % [%]",
    )
    note = (
        f"{SHIPS} ships of {CALLS} calls each, two looks a call at 0.12 m, cargo in points of her capacity; "
        "each call's own looks are counted once, the other calls' weigh her constants."
    )
    return [Table("Cargo of ships that call again (on paper)", columns, rows, note)]
