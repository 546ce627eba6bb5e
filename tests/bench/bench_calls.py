"""Cargo of ships that called several times: tables of one call alone beside tables of all her calls.

Simulated on paper, without pixels: see `called_ships`. The habit in ballast is drawn for each ship.
"""

from __future__ import annotations

import numpy as np
from called_ships import departures, draw_called_ship

from bench.table import Table
from pipeline.config import Config, LoadConfig
from pipeline.load import calibrate_loads

SHIPS, CALLS = 24, 6
CONFIG = Config(load=LoadConfig(draws=800))
CASES: tuple[tuple[str, tuple[str, ...], tuple[float, float]], ...] = (
    ("nothing", (), (0.80, 0.95)),
    ("depth", ("depth",), (0.80, 0.95)),
    ("depth", ("depth",), (0.90, 1.00)),
    ("depth and summer draught", ("depth", "summer_draught"), (0.80, 0.95)),
)
"""What the register lacks, and the fills of the departures."""


def tables() -> list[Table]:
    """One table."""
    rows = []
    for name, unknown, fills in CASES:
        errors: dict[str, list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]] = {}
        for seed in range(SHIPS):
            rng = np.random.default_rng(seed)
            one = draw_called_ship(rng, calls=CALLS, unknown=unknown, config=CONFIG, fills=fills)
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
                    f"{fills[0]:.0%} to {fills[1]:.0%}",
                    way,
                    100 * float(np.abs(error).mean()),
                    100 * float(np.sqrt(np.mean(error.mean(axis=1) ** 2))),
                    100 * float(sigma.mean()),
                    100 * float(held.mean()),
                )
            )
    columns = (
        "register lacks",
        "fills",
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
