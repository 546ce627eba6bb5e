"""A freeboard read by a person: one more likelihood, with its own tag."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.freeboard.combine import interval_of, summarise
from pipeline.freeboard.prepare import GRID, STEP
from pipeline.readings import Cue, Curve, Freeboard

DEEPEST = -60.0
"""Floor of a log likelihood."""


def add_reading(measured: Freeboard | None, value: float, sigma: float) -> Freeboard:
    """The freeboard with a person's reading multiplied in; the reading alone where nothing was measured.

    Parameters
    ----------
    measured
        What the image says, with its curve; None where it says nothing.
    value, sigma
        The reading [m], normal.
    """
    curve = np.asarray(-0.5 * np.square((GRID - value) / sigma))
    cues: tuple[Cue, ...] = ()
    if measured is not None:
        known = measured.curve
        curve = curve + np.interp(GRID, known.freeboards(), known.log_likelihood, right=DEEPEST)
        cues = measured.cues
    curve = np.maximum(curve - curve.max(), DEEPEST)
    density = np.exp(curve) / np.exp(curve).sum()
    mean, spread = summarise(GRID, curve)
    read = Freeboard(
        value=mean,
        sigma=spread,
        interval90=interval_of(GRID, curve),
        cues=(*cues, Cue(cue="reading", value=value, sigma=sigma)),
        information=float(np.sum(density * np.log2(np.maximum(density * len(GRID), 1e-12)))),
        curve=Curve(start=0.0, step=STEP, log_likelihood=tuple(float(x) for x in curve)),
        expected_sigma=sigma,
    )
    if measured is None:
        return read
    return replace(
        read,
        expected_sigma=measured.expected_sigma,
        profile=measured.profile,
        lines=measured.lines,
        azimuth_check=measured.azimuth_check,
        flags=measured.flags,
    )
