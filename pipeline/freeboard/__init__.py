"""Freeboard: the cross-hull profile as a likelihood over height, or the reason why not."""

from pipeline.freeboard.block import open_sides
from pipeline.freeboard.deep import COARSE
from pipeline.freeboard.expected import expected_sigma, largest_sigma
from pipeline.freeboard.measure import measure_freeboard
from pipeline.freeboard.reading import add_reading

__all__ = ["COARSE", "add_reading", "expected_sigma", "largest_sigma", "measure_freeboard", "open_sides"]
