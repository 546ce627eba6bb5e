"""What a network marks in strips along waterfronts, laid back into the image and held against rectangles."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from test_detect import CONFIG, draw, grid_of
from test_detect_coarse import with_swir
from test_detect_quays import BERTHED, QUAY, looked_at

from pipeline.detect import marks
from pipeline.detect.alongside import look_along
from pipeline.detect.coarse import part_ground
from pipeline.detect.marks import STRIP, Marks
from pipeline.detect.outline import Box
from pipeline.ingest import read_quays

CENTRE, HEADING, LENGTH, BEAM = BERTHED


class Knowing:
    """Stands in for a network: all land further out than the quay is a ship."""

    def run(self, _: None, given: dict[str, npt.NDArray[np.float32]]) -> list[npt.NDArray[np.float32]]:
        return [given["strip"][:, 5]]


def marked(turn: float, monkeypatch: pytest.MonkeyPatch) -> Marks:
    """Marks of a hull alone on the water: everything that is not water is a ship."""
    monkeypatch.setattr(marks, "_open_session", lambda _: Knowing())
    looked = looked_at(with_swir(draw(grid_of(5.0, 800.0), [((0.0, 0.0), turn, 340.0, 60.0)])))
    body = ~looked.water.water
    gathered = Marks(looked.chip.grid, read_quays().network)
    for stretches, front in look_along(looked, (body, looked.water.water), CONFIG):
        gathered.add(stretches, front)
    return gathered


@pytest.mark.parametrize("turn", [90.0, 33.0, 310.0])
def test_marks_come_back_to_where_they_were_seen(turn: float, monkeypatch: pytest.MonkeyPatch) -> None:
    gathered = marked(turn, monkeypatch)
    hull = Box(centre=(0.0, 0.0), heading=turn, length=340.0, beam=60.0)
    half = Box(centre=(0.0, 0.0), heading=turn, length=170.0, beam=60.0)
    beside = Box(
        centre=(150.0 * np.cos(np.radians(turn)), -150.0 * np.sin(np.radians(turn))),
        heading=turn,
        length=340.0,
        beam=60.0,
    )
    whole, part, none = gathered.agree([hull, half, beside])
    assert whole > 0.8
    assert part < whole - 0.3  # what is marked beyond its ends tells that it is a part
    assert none < 0.1


def test_the_network_takes_strips_and_gives_chances() -> None:
    looked = looked_at(with_swir(draw(grid_of(10.0, 800.0), [BERTHED], quays=[QUAY])))
    ground = part_ground(looked, CONFIG)
    ((_, front),) = look_along(looked, (ground.land, ground.wet), CONFIG)
    session: Any = marks._open_session(read_quays().network)
    strips = np.ascontiguousarray(front.planes[:, :7][(..., *STRIP)], np.float32)
    (told,) = session.run(None, {"strip": strips})
    assert told.shape == (len(strips), *strips.shape[2:])
    assert ((told >= 0) & (told <= 1)).all()
    assert told[strips[:, 6] > 0.99].mean() < 0.1  # open water is no ship


def test_what_was_learned_without_a_port_is_another_network() -> None:
    networks = [read_quays(without=port).network for port in (None, "algiers", "casablanca", "durban")]
    assert len({network.sha256 for network in networks}) == 4
    assert all(len(network.graph) < 2_000_000 for network in networks)


def test_without_strips_nothing_is_marked() -> None:
    gathered = Marks(grid_of(10.0, 400.0), read_quays().network)
    assert gathered.agree([]).shape == (0,)
    hull = Box(centre=CENTRE, heading=HEADING, length=LENGTH, beam=BEAM)
    assert gathered.agree([hull]).tolist() == [0.0]
