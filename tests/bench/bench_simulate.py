"""How fast the simulator makes chips, on both cores, and scenes of the season."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from bench.table import Table
from pipeline.errors import MissingExtraError
from pipeline.simulate.render import mitsuba
from pipeline.simulate.world import Situation

SITUATIONS: tuple[Situation, ...] = ("open", "jetty", "ship-to-ship", "tug")
CHIPS = 12
"""A worker."""
WORKERS = 2


def _make(seed: int) -> float:
    """Seconds for one worker's chips at 0.5 m."""
    from pipeline.simulate.chips import simulate_chips

    mitsuba()
    start = time.perf_counter()
    made = len(list(simulate_chips(CHIPS, seed=seed, gsd=0.5, situations=SITUATIONS)))
    if made != CHIPS:
        raise AssertionError(f"{made} chips, expected {CHIPS}")
    return time.perf_counter() - start


def tables() -> list[Table]:
    """Chips an hour."""
    title, columns = "Simulated: speed of the simulator", ("what", "figure")
    try:
        mitsuba()
    except MissingExtraError as error:
        return [Table(title, columns, [], f"{error}: not measured")]
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        seconds = max(pool.map(_make, range(WORKERS)))
    hourly = WORKERS * CHIPS * 3600 / seconds
    rows = [
        (f"chips of 0.5 m an hour, {WORKERS} processes of one thread", round(hourly)),
        ("seconds a chip and process", round(seconds / CHIPS, 1)),
    ]
    return [Table(title, columns, list(rows), "variant scalar_rgb; 60 to 183 m ships in four situations")]
