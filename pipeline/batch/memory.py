"""The terminal's memory: fixed structure learned from its first clear looks, class of gsd by class."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pipeline.datatypes import LonLat
from pipeline.look import Memory, Survey, learn_memory
from pipeline.store import SurveyRow, grid_to_text, pack_array, text_to_grid, unpack_array


def learn_memories(rows: Sequence[SurveyRow]) -> dict[str, Memory]:
    """The terminal's memory by cells, from surveys in the order of time.

    A class of gsd without a memory of its own takes that of the next finer one at the same site, whose cells
    have one origin whatever their size.
    """
    surveys: dict[str, list[Survey]] = {}
    for row in sorted(rows, key=lambda r: (r.acquired, r.content)):
        cells = text_to_grid(row.cells)
        survey = Survey(cells=cells, seen=unpack_array(row.seen, cells.shape))
        surveys.setdefault(row.cells, []).append(survey)
    memories: dict[str, Memory] = {}
    finer: dict[LonLat, Memory] = {}
    for text in sorted(surveys, key=lambda t: text_to_grid(t).gsd):
        origin = text_to_grid(text).origin
        memory = learn_memory(surveys[text]) or finer.get(origin)
        if memory is not None:
            memories[text] = finer[origin] = memory
    return memories


def hash_memory(memory: Memory) -> str:
    """sha256 of a memory."""
    packed = pack_array(memory.empty)
    return hashlib.sha256(grid_to_text(memory.cells).encode() + packed).hexdigest()
