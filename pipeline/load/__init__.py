"""From freeboard to tonnes: hydrostatics anchored on the load line, and the error budget."""

from pipeline.load.calibrate import calibrate_loads
from pipeline.load.draught import cargo_at_draught
from pipeline.load.estimate import estimate_load
from pipeline.load.hydrostatics import Hull, deadweight_at, displacement, tonnes_per_metre
from pipeline.load.loadline import summer_freeboard, tabular_freeboard

__all__ = [
    "Hull",
    "calibrate_loads",
    "cargo_at_draught",
    "deadweight_at",
    "displacement",
    "estimate_load",
    "summer_freeboard",
    "tabular_freeboard",
    "tonnes_per_metre",
]
