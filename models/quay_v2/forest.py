"""Learn the forest of ships at quays: `PYTHONPATH=tests .venv/bin/python models/quay_v2/forest.py`.

Writes `forest.json`, the same without each port for the bench, and `metrics.json` beside this file. Every
rectangle that `pipeline.detect.alongside` tries at the waterfronts of three ports is a sample; the target is
how well it covers a hand-drawn ship. The figures are of ports left out one at a time; the two ports that the
bench holds back are not opened here. Needs lightgbm (it comes with the extra `[sentinel2]`) and
../shared/imagery. One thread, so that the same bytes come out again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import lightgbm
import numpy as np
import shapely
from ports import HERE, Array, Port, read_port, read_setting

from pipeline.config import Config
from pipeline.datatypes import BoolArray, Chip
from pipeline.detect.alongside import find_rectangles, look_along
from pipeline.detect.bodies import Looked
from pipeline.detect.coarse import part_ground
from pipeline.detect.local import LocalMeans
from pipeline.detect.outline import Box, hull_polygon
from pipeline.detect.traits import BANDS, FALLING, RISING, TRAITS
from pipeline.detect.water import find_water


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """The rectangles of one port, as it was and under other airs and waters."""

    name: str
    traits: Array
    cover: Array
    """(n,) intersection over union with the drawn ship that is covered best."""
    counted: BoolArray
    """(n,), False about ships that were seen and not drawn."""


def sample(port: Port, setting: dict[str, Any]) -> Samples:
    """Rectangles under every weather."""
    parts = [_rectangles(port, _under(port.chip, port.usable, weather)) for weather in setting["weather"]]
    traits, cover, counted = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Samples(name=port.name, traits=traits, cover=cover, counted=counted.astype(bool))


def _rectangles(port: Port, chip: Chip) -> tuple[Array, Array, BoolArray]:
    """(traits, cover, counted) of the rectangles of one image."""
    water = find_water(chip, port.usable)
    looked = Looked(chip=chip, usable=port.usable, shaded=port.shaded, water=water, fixed=None)
    ground = part_ground(looked, Config().detect)
    boxes: list[Box] = []
    traits = []
    for stretches, front in look_along(looked, (ground.land, ground.wet), Config().detect):
        some, measured, _ = find_rectangles(stretches, front, looked, Config().detect)
        boxes += some
        traits.append(measured)
    rings = shapely.polygons([hull_polygon(box, pointed=0.02) for box in boxes])
    ships = shapely.polygons(port.ships)
    shared = shapely.area(shapely.intersection(rings[:, None], ships[None]))
    cover = (shared / (shapely.area(rings)[:, None] + shapely.area(ships)[None] - shared)).max(axis=1)
    near = port.near_unlabelled(np.array([box.centre for box in boxes]), 4.0)
    return np.concatenate(traits), cover, ~near | (cover >= 0.2)


def _under(chip: Chip, usable: BoolArray, weather: dict[str, Any]) -> Chip:
    """The chip under another air and on other water: reflectance that each adds, band by band.

    What water adds is mixed by how much of a pixel is water, told from the infrared.
    """
    import cv2

    water = find_water(chip, usable).water
    size = round(300 / chip.grid.gsd) | 1
    infrared = [plane for plane in (chip.band("nir"), chip.band("swir16")) if plane is not None]
    local = LocalMeans(water, size)
    lift = np.max([plane - local.of(plane) for plane in infrared], axis=0)
    near = cv2.dilate(water.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    wet = np.where(near, np.clip(1.0 - lift / 0.04, 0.0, 1.0), 0.0)
    waves = cv2.GaussianBlur(np.random.default_rng(0).normal(size=wet.shape), (0, 0), 1.0)
    waves *= weather["waves"] / waves.std()
    planes = [
        plane * weather["clear"] + weather["air"][BANDS.index(band)]
        + wet * (weather["water"][BANDS.index(band)] + waves)
        for band, plane in zip(chip.bands, chip.pixels, strict=True)
    ]  # fmt: skip
    return replace(chip, pixels=np.stack(planes).astype(np.float32))


def learn(ports: list[Samples], setting: dict[str, Any]) -> lightgbm.Booster:
    """A forest from the samples of some ports."""
    traits, cover = (np.concatenate([getattr(p, k)[p.counted] for p in ports]) for k in ("traits", "cover"))
    low, high = setting["target"]
    target = np.clip((cover - low) / (high - low), 0.0, 1.0)
    rules = [1 if name in RISING else -1 if name in FALLING else 0 for name in TRAITS]
    data = lightgbm.Dataset(traits, target, weight=np.where(target > 0, setting["weight"], 1.0))
    options = setting["lightgbm"] | {"monotone_constraints": rules, "num_threads": 1, "verbose": -1}
    return lightgbm.train(options | {"deterministic": True}, data, setting["trees"])


def write_down(model: lightgbm.Booster) -> dict[str, Any]:
    """The forest as plain numbers, in the layout of `pipeline.datatypes.Forest`."""
    trees = [_tree(tree["tree_structure"]) for tree in model.dump_model()["tree_info"]]
    nodes = max(len(tree["trait"]) for tree in trees)
    for tree in trees:
        lack = nodes - len(tree["trait"])
        for key in ("trait", "left", "right"):
            tree[key] += [0 if key == "trait" else -1] * lack
        tree["threshold"] += [0.0] * lack
        tree["leaf"] += [0.0] * (nodes + 1 - len(tree["leaf"]))
    return {"traits": list(TRAITS), "trees": trees}


def _tree(root: dict[str, Any]) -> dict[str, list[Any]]:
    tree: dict[str, list[Any]] = {k: [] for k in ("trait", "threshold", "left", "right", "leaf")}

    def add(node: dict[str, Any]) -> int:
        if "leaf_value" in node:
            tree["leaf"].append(float(f"{node['leaf_value']:.6g}"))
            return ~(len(tree["leaf"]) - 1)
        at = len(tree["trait"])
        tree["trait"].append(node["split_feature"])
        tree["threshold"].append(float(f"{node['threshold']:.6g}"))
        tree["left"].append(0)
        tree["right"].append(0)
        tree["left"][at], tree["right"][at] = add(node["left_child"]), add(node["right_child"])
        return at

    if add(root) < 0:  # a tree that asks nothing
        tree["trait"], tree["threshold"], tree["left"], tree["right"] = [0], [0.0], [-1], [-1]
    return tree


def main() -> None:
    """Train, leave out each port once, write."""
    setting = read_setting()
    ports = [sample(read_port(name, setting), setting) for name in setting["unlabelled"]]
    left_out = {}
    for port in ports:
        model = learn([p for p in ports if p is not port], setting)
        (HERE / f"without_{port.name}.json").write_text(json.dumps(write_down(model)) + "\n")
        told = np.asarray(model.predict(port.traits))
        ship, none = told[port.cover > 0.45], told[(port.cover < 0.1) & port.counted]
        left_out[port.name] = {
            "rectangles": len(told),
            "on a ship": len(ship),
            "auc": round(float((ship[:, None] > none[None]).mean()), 4),
        }
    (HERE / "forest.json").write_text(json.dumps(write_down(learn(ports, setting))) + "\n")
    (HERE / "metrics.json").write_text(json.dumps({"left_out": left_out}, indent=1) + "\n")


if __name__ == "__main__":
    main()
