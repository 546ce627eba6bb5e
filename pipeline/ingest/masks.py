"""Masks that come with a delivery, read as cloud, shadow and valid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.datatypes import BoolArray, Scene
from pipeline.ingest.windows import Target, read_classes

_SCL_CLOUDY: Final = (8, 9, 10)
"""Sen2Cor scene classification: cloud of medium and high probability, thin cirrus."""
_SCL_SHADOWED: Final = 3
_SCL_EMPTY: Final = 0
_UDM_EMPTY, _UDM_CLOUDY = 1, 2
"""Planet UDM: bit 0 is filled with black, bit 1 is covered by cloud."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeliveredMask:
    """(row, col) each, or None where the delivery says nothing."""

    cloudy: BoolArray | None = None
    shadowed: BoolArray | None = None
    valid: BoolArray | None = None
    method: str | None = None


def read_delivered(scene: Scene, target: Target) -> DeliveredMask:
    """The scene's masks on the target's grid; the first that speaks of clouds counts.

    SCL's snow is not cloud: a salt lake and a white roof are called snow.

    Raises
    ------
    InputError
        "corrupt", "bands".

    References
    ----------
    Sentinel-2 Products Specification Document 14.9, table of the scene classification; Planet, Understanding
    PlanetScope and SkySat UDM2 (bands: clear, snow, shadow, light haze, heavy haze, cloud, confidence, UDM).
    """
    indexes = scene.mask_indexes or (1,) * len(scene.mask_paths)
    found = DeliveredMask()
    for (kind, path), index in zip(scene.mask_paths, indexes, strict=True):
        one = _read_one(kind, Path(path), index, target)
        valid = (
            one.valid
            if found.valid is None
            else found.valid
            if one.valid is None
            else found.valid & one.valid
        )
        chosen = found if found.method is not None else one
        found = DeliveredMask(
            cloudy=chosen.cloudy, shadowed=chosen.shadowed, method=chosen.method, valid=valid
        )
    return found


def _read_one(kind: str, path: Path, index: int, target: Target) -> DeliveredMask:
    """One mask file."""
    bands = tuple(range(1, 9)) if kind == "udm2" else (index,)
    classes = read_classes(path, bands, target)
    if classes is None:
        return DeliveredMask()
    plane = classes[0]
    if kind == "alpha":
        return DeliveredMask(valid=np.asarray(plane > 0, dtype=bool))
    if kind == "scl":
        return DeliveredMask(
            cloudy=np.isin(plane, _SCL_CLOUDY),
            shadowed=plane == _SCL_SHADOWED,
            valid=plane != _SCL_EMPTY,
            method="scl",
        )
    if kind == "udm":
        cloudy = (plane & _UDM_CLOUDY) > 0
        return DeliveredMask(cloudy=cloudy, valid=(plane & _UDM_EMPTY) == 0, method="udm")
    _, _, shadow, _, heavy_haze, cloud, _, udm = classes
    return DeliveredMask(
        cloudy=(cloud > 0) | (heavy_haze > 0),
        shadowed=shadow > 0,
        valid=(udm & _UDM_EMPTY) == 0,
        method="udm2",
    )
