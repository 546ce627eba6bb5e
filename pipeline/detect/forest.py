"""What a forest of small decision trees says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Forest


def judge_forest(forest: Forest, traits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n,): sum over the trees of the leaf that (n, trait) falls in: at a split left where not above it."""
    trees = np.arange(len(forest.trait))[:, None]
    samples = np.arange(len(traits))[None, :]
    node = np.zeros((len(forest.trait), len(traits)), np.intp)
    for _ in range(forest.trait.shape[1]):
        at = np.maximum(node, 0)
        left = traits[samples, forest.trait[trees, at]] <= forest.threshold[trees, at]
        following = np.where(left, forest.left[trees, at], forest.right[trees, at])
        node = np.where(node < 0, node, following)
    return np.asarray(forest.leaf[trees, ~node].sum(axis=0))
