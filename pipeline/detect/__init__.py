"""Detection: every ship on the water, at the quay too, with an outline, a heading and a kind."""

from pipeline.detect.appearance import measure_appearance
from pipeline.detect.berth import assign_berth, find_doubtful
from pipeline.detect.blocks import Block
from pipeline.detect.doubts import find_doubts
from pipeline.detect.find import Search, find_ships, search_ships, stream_ships
from pipeline.detect.sea import Sea
from pipeline.detect.structure import (
    Structure,
    learn_structure,
    open_berths,
    project_structure,
    site_cells,
    survey_water,
)

__all__ = [
    "Block",
    "Sea",
    "Search",
    "Structure",
    "assign_berth",
    "find_doubtful",
    "find_doubts",
    "find_ships",
    "learn_structure",
    "measure_appearance",
    "open_berths",
    "project_structure",
    "search_ships",
    "site_cells",
    "stream_ships",
    "survey_water",
]
