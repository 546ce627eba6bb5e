"""What was learned of ships at quays, out of `models/`."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

import numpy as np

from pipeline.datatypes import Forest, Network, QuayModel
from pipeline.errors import PlimsollError
from pipeline.resources import find_resource

NAME = "quay_v2"
"""Ship or not, at a quay that nobody knows, in Sentinel-2."""


@lru_cache(maxsize=4)
def read_quays(*, without: str | None = None) -> QuayModel:
    """Forest and network; `without`: as learned without one port, to be judged on it.

    Raises
    ------
    PlimsollError
        The installation is incomplete.
    """
    forest = _read("forest.json" if without is None else f"without_{without}.json")
    graph = _read("network.onnx" if without is None else f"without_{without}.onnx")
    network = Network(name=NAME, sha256=hashlib.sha256(graph).hexdigest(), graph=graph)
    return QuayModel(forest=_forest(forest), network=network)


def _read(file: str) -> bytes:
    path = find_resource("models") / NAME / file
    if not path.is_file():
        raise PlimsollError(f"models/{NAME}/{file}: not found", hint="reinstall plimsoll")
    return path.read_bytes()


def _forest(content: bytes) -> Forest:
    document = json.loads(content)
    trees = document["trees"]
    return Forest(
        name=NAME,
        sha256=hashlib.sha256(content).hexdigest(),
        traits=tuple(document["traits"]),
        trait=np.array([tree["trait"] for tree in trees], np.intp),
        threshold=np.array([tree["threshold"] for tree in trees], np.float64),
        left=np.array([tree["left"] for tree in trees], np.intp),
        right=np.array([tree["right"] for tree in trees], np.intp),
        leaf=np.array([tree["leaf"] for tree in trees], np.float64),
    )
