"""Scenes of known truth, path-traced. Whatever comes from here is simulated and says so."""

from pipeline.simulate.chips import ShipTruth, SimulatedChip, simulate_chip, simulate_chips, truth_detection

__all__ = ["ShipTruth", "SimulatedChip", "simulate_chip", "simulate_chips", "truth_detection"]
