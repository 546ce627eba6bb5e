"""What a deck tells: which end is the bow, and whether she is a tanker.

A tanker has her accommodation aft, no hatches, and pipes that run along her centreline; a bulk carrier has a
row of hatches, a container ship or a ferry a deck that is all steps. A bow tapers, a stern is square.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import BoolArray, Chip
from pipeline.detect.outline import Box, Cover, sample_cover

Array = npt.NDArray[np.float64]

TELLING_GSD = 1.2
"""Coarser decks say nothing of what kind of ship she is [m]."""
_SHOWN = 0.75
"""Share of a deck that must be seen before its gear is read [1]."""
CERTAIN_BOW = 1.5
"""Log odds of one end against the other below which the heading is ambiguous: odds of 4.5 to 1."""


_KIND = (1.47, -3.76, 4.01, -2.09, 1.13, 1.87, -6.55)
"""Log odds of a tanker on log pipes, log hatches, likeness of runs, logs of the deck's unevenness across her,
along her and in all, and 1: logistic regression (penalty 1) on 147 painted tankers and bulk carriers."""
_MISREAD = 0.07
"""Some decks deceive whatever they show: no look is surer than 1 less this [1]."""
_BOW = (1.14, 0.30, 2.68, 4.58)
"""Log odds of the bow on what the two ends differ in: unevenness, brightness, brightest block, open corners.
From the same ships, without a constant: neither end is preferred."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Deck:
    """A ship's pixels in her own frame, the bow of her box at the end of the first axis."""

    along: Array
    """(n,) from -0.5 to 0.5 of her length, a little beyond at either end [1]."""
    across: Array
    """(m,) from port to starboard, in beams [1]."""
    bright: Array
    """(n, m) mean of the visible bands above the water's level, over her own mean [1]."""
    light: Array
    """(n, m) mean reflectance of all bands [1]."""
    gsd_px: float
    """Pixels along her."""
    telling: bool
    """True where pixels are fine enough for gear on deck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearing:
    """Where the bow points."""

    heading: float
    ambiguous: bool
    flags: tuple[str, ...]


def sample_deck(chip: Chip, usable: BoolArray, box: Box) -> Deck:
    """The deck of a box, with a tenth of her length beyond both ends."""
    step = max(0.5 * chip.grid.gsd, box.length / 400)
    n = int(np.clip(1.2 * box.length / step, 49, 480))
    m = int(np.clip(box.beam / step, 7, 121))
    along, across = np.linspace(-0.6, 0.6, n), np.linspace(-0.5, 0.5, m)
    bands = [b for b in chip.bands if b in ("blue", "green", "red", "pan")] or list(chip.bands)
    planes = chip.pixels[[chip.bands.index(b) for b in bands]].mean(axis=0)
    plane = np.where(usable, planes, 0.0).astype(np.float32)
    cover = Cover(grid=chip.grid, plane=plane)
    image = sample_cover(cover, box, along=along * box.length, across=across * box.beam)
    beside = sample_cover(
        cover, box, along=along * box.length, across=np.array([-0.9, -0.75, 0.75, 0.9]) * box.beam
    )
    lifted = np.maximum(image - np.percentile(beside, 20), 0.0)
    whole = Cover(grid=chip.grid, plane=chip.pixels.mean(axis=0).astype(np.float32))
    light = sample_cover(whole, box, along=along * box.length, across=across * box.beam)
    clear = Cover(grid=chip.grid, plane=usable.astype(np.float32))
    shown = sample_cover(clear, box, along=along * box.length, across=across * box.beam)
    inside = np.abs(along) < 0.45
    return Deck(
        along=along,
        across=across,
        bright=lifted / max(float(lifted[inside].mean()), 1e-6),
        light=light,
        gsd_px=box.length / chip.grid.gsd,
        telling=chip.grid.gsd <= TELLING_GSD
        and box.beam > 6 * chip.grid.gsd
        and float(shown[inside].mean()) > _SHOWN,
    )


def _band_of(deck: Deck, low: float, high: float) -> Array:
    """The deck between two fractions of her length."""
    chosen = (deck.along >= low) & (deck.along <= high)
    return deck.bright[chosen]


def _width(deck: Deck, low: float, high: float) -> float:
    """Share of the beam that is ship between two fractions of her length."""
    part = _band_of(deck, low, high)
    return float((part > 0.35).mean()) if part.size else 0.0


def bow_evidence(deck: Deck) -> float:
    """Log odds that the box's heading is the bow.

    At fine pixels: the end without the tall bright house, whose corners are open water, and without a wake.
    At coarse ones three cues, each in units of its own scatter: taper, house and wake.
    """
    if deck.telling:
        return _fine_evidence(deck)
    trust = float(np.clip((deck.gsd_px - 6.0) / 30.0, 0.0, 1.0))
    taper = (_width(deck, -0.49, -0.40) - _width(deck, 0.40, 0.49)) / 0.12
    steps = _relief(deck, -0.5, -0.28) - _relief(deck, 0.28, 0.5)
    bright = _mean(deck, -0.46, -0.28) - _mean(deck, 0.28, 0.46)
    house = steps / 0.25 + bright / 0.3
    wake = (_mean(deck, -0.6, -0.53) - _mean(deck, 0.53, 0.6)) / 0.25
    if abs(wake) > 1.0:  # foam blurs the stern's shape
        taper, wake = 0.3 * taper, 2.0 * wake
    return trust * float(np.clip(1.2 * taper, -3, 3) + np.clip(house, -3, 3) + np.clip(wake, -4, 4))


def _fine_evidence(deck: Deck) -> float:
    """Log odds of the bow where gear can be seen."""
    cues = (
        _relief(deck, -0.5, -0.28) - _relief(deck, 0.28, 0.5),
        _mean(deck, -0.46, -0.28) - _mean(deck, 0.28, 0.46),
        _block(deck, -0.48, -0.2) - _block(deck, 0.2, 0.48),
        _open_corners(deck, 0.38, 0.5) - _open_corners(deck, -0.5, -0.38),
    )
    wake = (_mean(deck, -0.6, -0.53) - _mean(deck, 0.53, 0.6)) / 0.25
    foam = float(np.clip(wake, -4, 4)) if abs(wake) > 1.0 else 0.0
    return float(np.clip(np.dot(_BOW, cues), -6, 6)) + foam


def _block(deck: Deck, low: float, high: float) -> float:
    """Log of the brightest twentieth of her length between two fractions of it."""
    part = _band_of(deck, low, high)[:, np.abs(deck.across) < 0.3]
    return float(np.log(max(float(block.mean()) for block in np.array_split(part, 6)) + 0.05))


def _open_corners(deck: Deck, low: float, high: float) -> float:
    """Share of the outer third of the beam that is water between two fractions of her length."""
    part = _band_of(deck, low, high)[:, np.abs(deck.across) > 0.33]
    return float((part < 0.3).mean()) if part.size else 0.0


def _mean(deck: Deck, low: float, high: float) -> float:
    part = _band_of(deck, low, high)[:, np.abs(deck.across) <= 0.26]
    return float(part.mean()) if part.size else 0.0


def _relief(deck: Deck, low: float, high: float) -> float:
    """How uneven the deck is between two fractions of her length."""
    part = _band_of(deck, low, high)
    return float(np.std(part[:, np.abs(deck.across) < 0.35])) if part.size else 0.0


def judge_bow(deck: Deck, box: Box) -> Bearing:
    """The heading with the bow at the likelier end."""
    odds = bow_evidence(deck)
    heading = box.heading if odds >= 0 else (box.heading + 180.0) % 360.0
    wake = max(_mean(deck, -0.6, -0.53), _mean(deck, 0.53, 0.6))
    return Bearing(
        heading=heading,
        ambiguous=abs(odds) < CERTAIN_BOW,
        flags=("wake",) if wake > 0.5 else (),
    )


def deck_features(deck: Deck) -> tuple[float, float, float]:
    """(pipes, hatches, runs) of the mid-body about the centreline.

    Pipes: unevenness of its columns. Hatches: of its rows, against their trend. Runs: how alike the edges
    along her are in five parts of her length, -1..1: a pipe goes through all of them.
    """
    body = (deck.along > -0.22) & (deck.along < 0.34)
    part = deck.light[np.ix_(body, np.abs(deck.across) < 0.24)]
    part = np.minimum(part, np.quantile(part, 0.98))
    part = part / max(float(np.median(part)), 1e-6)
    rows = np.median(part, axis=1)
    size = max(3, int(0.25 * len(rows)) | 1)
    trend = np.convolve(np.pad(rows, size // 2, mode="edge"), np.ones(size) / size, mode="valid")
    edges = [np.diff(np.median(piece, axis=0)) for piece in np.array_split(part, 5)]
    likeness = [_likeness(a, b) for k, a in enumerate(edges) for b in edges[:k]]
    return (
        float(np.std(np.median(part, axis=0))),
        float(np.mean(np.abs(rows - trend))),
        float(np.mean(likeness)),
    )


def _unevenness(deck: Deck) -> tuple[float, float, float]:
    """Logs of how uneven the deck forward of the house is: across her, along her, in all."""
    body = (deck.along > -0.22) & (deck.along < 0.38)
    part = deck.light[np.ix_(body, np.abs(deck.across) < 0.42)]
    part = part / max(float(np.median(part)), 1e-6)
    spreads = (part.mean(axis=0).std(), part.mean(axis=1).std(), part.std())
    across, along, whole = (float(np.log(spread + 0.01)) for spread in spreads)
    return across, along, whole


def _likeness(a: Array, b: Array) -> float:
    """Correlation of two profiles, 0 where one is flat."""
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 1 and a.std() > 0 and b.std() > 0 else 0.0


def judge_kind(deck: Deck, box: Box) -> float:
    """Probability that she is a tanker; 0.5 where the deck cannot be read."""
    if not deck.telling:
        return 0.5
    pipes, hatches, runs = deck_features(deck)
    logs = [float(np.log(max(value, 0.01))) for value in (pipes, hatches)]
    odds = float(np.dot(_KIND, (*logs, runs, *_unevenness(deck), 1.0)))
    if box.length < 45.0:
        odds -= 1.5
    sure = 1.0 / (1.0 + np.exp(-np.clip(odds, -12, 12)))
    return float(_MISREAD + (1.0 - 2.0 * _MISREAD) * sure)
