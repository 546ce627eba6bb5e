"""Who the ships are, when they called, how full they left, and how many calls nobody saw."""

from pipeline.visits.exposure import infer_unseen
from pipeline.visits.group import group_visits, name_sightings
from pipeline.visits.identity import bind_identity, rank_identities
from pipeline.visits.onward import tighten_visits
from pipeline.visits.voyages import join_voyages

__all__ = [
    "bind_identity",
    "group_visits",
    "infer_unseen",
    "join_voyages",
    "name_sightings",
    "rank_identities",
    "tighten_visits",
]
