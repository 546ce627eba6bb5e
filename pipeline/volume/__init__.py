"""Barrels: measured, imputed and unseen, against the yearly cap."""

from pipeline.volume.claims import find_contradictions
from pipeline.volume.estimate import barrels_per_tonne, draw_season, estimate_volume

__all__ = ["barrels_per_tonne", "draw_season", "estimate_volume", "find_contradictions"]
