"""Barrels: measured, imputed and unseen, against the yearly cap."""

from pipeline.volume.estimate import barrels_per_tonne, estimate_volume

__all__ = ["barrels_per_tonne", "estimate_volume"]
