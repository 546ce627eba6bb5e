"""Large images by blocks: every pixel in one core, every ship once, the same as in one piece."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_detect import CONFIG, Ship, draw, grid_of, sky

from pipeline.datatypes import Chip, CloudMask
from pipeline.detect import Block, find_ships, stream_ships
from pipeline.detect.blocks import join_ships, plan_blocks
from pipeline.detect.structure import Structure
from pipeline.geometry import crop_grid

SHORT = replace(CONFIG, max_length=160.0)
SIDE = 60
SHIPS: list[Ship] = [
    ((-200.0, 120.0), 20.0, 130.0, 21.0),
    ((-200.0, 500.0), 90.0, 150.0, 24.0),
    ((400.0, 200.0), 135.0, 120.0, 19.0),
    ((330.0, -400.0), 0.0, 100.0, 17.0),
    ((-600.0, -330.0), 60.0, 140.0, 22.0),
    ((-205.0, -400.0), 45.0, 90.0, 15.0),
]
"""On the seams of blocks of `SIDE` pixels of 10 m, some on a corner of four."""


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(1, 400), cols=st.integers(1, 400), side=st.integers(20, 200))
def test_cores_cover_every_pixel_once_and_windows_hold_them(rows: int, cols: int, side: int) -> None:
    seen = np.zeros((rows, cols), int)
    for block in plan_blocks((rows, cols), 10.0, max_length=100.0, side=side):
        top, left, bottom, right = block.core
        seen[top:bottom, left:right] += 1
        assert block.window[0] <= top < bottom <= block.window[2] <= rows
        assert block.window[1] <= left < right <= block.window[3] <= cols
    assert (seen == 1).all()


def test_ships_on_seams_are_found_once_and_as_in_one_piece() -> None:
    chip = draw(grid_of(10.0, 800.0), SHIPS)
    clouds = sky(chip)
    looks: list[tuple[int, int]] = []

    def read(block: Block) -> tuple[Chip, CloudMask, Structure | None]:
        top, left, bottom, right = block.window
        looks.append((bottom - top, right - left))
        part = replace(
            chip,
            pixels=chip.pixels[(slice(None), *block.part)],
            valid=chip.valid[block.part],
            grid=crop_grid(chip.grid, top, left, (bottom - top, right - left)),
        )
        return part, sky(part), None

    whole = find_ships(chip, clouds, known=None, config=SHORT)
    parts = stream_ships(read, chip.grid.shape, 10.0, config=SHORT, quays=None, side=SIDE)
    assert len(whole) == len(SHIPS)
    assert [ship.id for ship in parts] == [ship.id for ship in whole]
    for one, other in zip(whole, parts, strict=True):
        assert np.hypot(*np.subtract(one.centre, other.centre)) < 1.0
        assert other.length == pytest.approx(one.length, abs=1.5)
        assert other.beam == pytest.approx(one.beam, abs=1.5)
        assert other.heading == pytest.approx(one.heading, abs=1.0)
        assert "cut-by-edge" not in other.flags
    assert len(looks) == 9  # never the whole at once
    assert max(max(shape) for shape in looks) < max(chip.grid.shape)


def test_of_two_words_about_one_ship_the_surer_stands() -> None:
    chip = draw(grid_of(10.0, 600.0), [SHIPS[2]])
    (ship,) = find_ships(chip, sky(chip), known=None, config=SHORT)
    doubted = replace(ship, score=0.5 * ship.score, length=ship.length + 9.0)
    assert join_ships([doubted, ship]) == (replace(ship, id="d1"),)
    assert join_ships([]) == ()
