"""Deliveries in, scenes and chips out: the door through which every file comes."""

from pipeline.ingest.chips import read_chip
from pipeline.ingest.claims import Delivery
from pipeline.ingest.deliveries import find_deliveries
from pipeline.ingest.environment import prepare_environment
from pipeline.ingest.fleet import read_fleet, read_register
from pipeline.ingest.passes import CandidatePass, read_passes
from pipeline.ingest.quays import read_quays
from pipeline.ingest.scenes import content_hash, read_scene
from pipeline.ingest.sites import read_site

__all__ = [
    "CandidatePass",
    "Delivery",
    "content_hash",
    "find_deliveries",
    "prepare_environment",
    "read_chip",
    "read_fleet",
    "read_passes",
    "read_quays",
    "read_register",
    "read_scene",
    "read_site",
]
