"""Ships that call several times, on paper: one hull, one deck edge, one habit in ballast, other cargoes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from paper_season import (
    Rng,
    TrueShip,
    World,
    draw_true_ship,
    freeboard_of,
    make_detection,
    make_scene,
    make_ship,
)

from pipeline.config import Config
from pipeline.datatypes import Ship
from pipeline.load import deadweight_at
from pipeline.products import SceneResult
from pipeline.visits.fill import combine_looks
from pipeline.visits.sightings import Sighting

Array = npt.NDArray[np.float64]
IMAGE_SIGMA = 0.12
"""[m]"""
HABIT, CALL = 0.25, 0.17
"""Spread of the mean draught in ballast about the formulations, of the ship and of each call [m]."""
DAYS_APART = 30.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalledShip:
    """A ship, two looks at each of her calls, on arrival and on departure, and what she carried away."""

    true: TrueShip
    listed: Ship
    results: tuple[SceneResult, ...]
    cargo: Array
    """(calls,) [t]"""

    @property
    def capacity(self) -> float:
        """[t]"""
        return 0.94 * float(self.true.hull.dwt)


def draw_called_ship(
    rng: Rng,
    *,
    calls: int,
    unknown: Sequence[str],
    config: Config,
    edge: float | None = None,
    fills: tuple[float, float] = (0.80, 0.95),
) -> CalledShip:
    """A small product tanker of whom the register does not know the columns `unknown`.

    `edge` is by how much her measured freeboard stands off in every image; drawn where None [m].
    """
    true = draw_true_ship(rng, 0, World())
    true = true if edge is None else replace(true, edge=edge)
    listed = replace(true.listed, **dict.fromkeys(unknown))  # type: ignore[arg-type]
    dwt, lbp = float(true.hull.dwt), float(true.hull.length)
    habit = float(rng.normal(0, HABIT))
    results, cargo = [], []
    for call in range(calls):
        draught = (0.200 + 0.032 * lbp + 1.550 + 0.023 * lbp) / 2 + habit + float(rng.normal(0, CALL))
        ballast = float(deadweight_at(true.hull, draught, 1024.0))
        consumables = dwt * float(np.clip(rng.normal(0.06, 0.02), 0.01, 0.12))
        residual = dwt * 0.006 * 2 ** float(rng.normal())
        cargo.append(float(rng.uniform(*fills)) * 0.94 * dwt)
        for day, on_board in ((0.0, ballast), (2.0, cargo[-1] + consumables + residual)):
            shown = freeboard_of(true, on_board) + true.edge + float(rng.normal(0, 0.05))
            shown = max(shown + float(rng.normal(0, IMAGE_SIGMA)), 0.05)
            size = float(true.listed.loa or 0.0), float(true.listed.beam or 0.0)
            seen = make_detection(size[0] + float(rng.normal(0, 1.2)), size[1] + float(rng.normal(0, 0.4)))
            ship = make_ship(seen, (shown, IMAGE_SIGMA), "b1", (listed,), config)
            results.append(make_scene(DAYS_APART * call + day, {"b1": "occupied"}, [ship]))
    return CalledShip(true=true, listed=listed, results=tuple(results), cargo=np.array(cargo))


def departures(results: Sequence[SceneResult]) -> Array:
    """(calls, 4) mean, standard deviation, 5th and 95th percentile of the cargo of each departure [t]."""
    rows = []
    for result in results[1::2]:
        assert result.datetime is not None
        look = Sighting(
            time=result.datetime,
            scene_id=result.scene_id,
            ship=result.detections[0],
            gsd=0.5,
            centre=(0.0, 0.0),
            berth_id="b1",
        )
        cargo = combine_looks([look]).cargo
        rows.append([cargo.mean(), cargo.std(), *np.quantile(cargo, [0.05, 0.95])])
    return np.array(rows)
