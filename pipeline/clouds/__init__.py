"""Clouds and their shadows, and what they leave to be seen of each berth."""

from pipeline.clouds.berths import decide_berths, summarise_clouds
from pipeline.clouds.find import find_clouds

__all__ = ["decide_berths", "find_clouds", "summarise_clouds"]
