"""Learned models out of `models/`, as they were trained."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

import numpy as np

from pipeline.datatypes import Forest
from pipeline.errors import PlimsollError
from pipeline.resources import find_resource

QUAY = "quay_v1"
"""Ship or not, at a quay that nobody knows, in Sentinel-2."""


@lru_cache(maxsize=4)
def read_forest(name: str = QUAY, *, without: str | None = None) -> Forest:
    """The forest of one folder of `models/`; `without`: as learned without one port, to be judged on it.

    Raises
    ------
    PlimsollError
        The installation is incomplete.
    """
    file = "forest.json" if without is None else f"without_{without}.json"
    path = find_resource("models") / name / file
    if not path.is_file():
        raise PlimsollError(f"models/{name}/{file}: not found", hint="reinstall plimsoll")
    content = path.read_bytes()
    document = json.loads(content)
    trees = document["trees"]
    return Forest(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        traits=tuple(document["traits"]),
        trait=np.array([tree["trait"] for tree in trees], np.intp),
        threshold=np.array([tree["threshold"] for tree in trees], np.float64),
        left=np.array([tree["left"] for tree in trees], np.intp),
        right=np.array([tree["right"] for tree in trees], np.intp),
        leaf=np.array([tree["leaf"] for tree in trees], np.float64),
    )
