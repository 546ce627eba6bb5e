"""What a forest of small decision trees says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Forest

_AT_ONCE = 256
"""Samples that are judged together: what they need stays in the cache."""


def judge_forest(forest: Forest, traits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n,): sum over the trees of the leaf that (n, trait) falls in: at a split left where not above it.

    From the last node to the first, each takes over the leaf of the child that a sample goes to.
    """
    (count, nodes), leaves = forest.trait.shape, forest.leaf.shape[1]
    trees = np.arange(count)
    told = np.zeros(len(traits))
    for first in range(0, len(traits), _AT_ONCE):
        columns = np.ascontiguousarray(traits[first : first + _AT_ONCE].T)
        goes_left = columns[forest.trait] <= forest.threshold[:, :, None]
        ends = np.empty((count, nodes + leaves, columns.shape[1]), np.min_scalar_type(leaves))
        ends[:, nodes:] = np.arange(leaves)[::-1, None]  # so that ~leaf, below 0, is its index from the end
        for node in reversed(range(nodes)):
            left, right = (ends[trees, child[:, node]] for child in (forest.left, forest.right))
            ends[:, node] = np.where(goes_left[:, node], left, right)
        told[first : first + _AT_ONCE] = np.take_along_axis(forest.leaf, ends[:, 0], axis=1).sum(axis=0)
    return told
