"""Freeboard: the cross-hull profile as a likelihood over height, or the reason why not."""

from pipeline.freeboard.expected import expected_sigma
from pipeline.freeboard.measure import measure_freeboard
from pipeline.freeboard.reading import add_reading

__all__ = ["add_reading", "expected_sigma", "measure_freeboard"]
