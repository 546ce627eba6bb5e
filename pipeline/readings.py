"""What is read off a ship and what follows from it: freeboard, draught, load, each with how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Interval, LonLat
from pipeline.errors import Refused

AzimuthCheck = Literal["agrees", "contradicts", "undecided"]


# ------------------------------------------------------------------------------------------- freeboard


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """What one part of the profile says on its own."""

    cue: str
    """"shadow", "lit-side", "shaded-side", "boot-top", ..."""
    value: float
    sigma: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A likelihood over freeboard: images, cues and readings combine by adding curves."""

    start: float
    """First freeboard of the grid [m]."""
    step: float
    """[m]"""
    log_likelihood: tuple[float, ...]
    """Natural logarithm, maximum 0, floored at -60; the prior over freeboard is *not* in it."""

    def freeboards(self) -> npt.NDArray[np.float64]:
        """Grid points [m]."""
        return self.start + self.step * np.arange(len(self.log_likelihood), dtype=np.float64)

    def density(self) -> npt.NDArray[np.float64]:
        """Normalised under a flat prior; sums to one over the grid."""
        weight = np.exp(np.asarray(self.log_likelihood, dtype=np.float64))
        return np.asarray(weight / weight.sum(), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilePart:
    """A stretch of the fitted cross-hull profile, for pictures."""

    name: str
    """"water", "shadow", "shaded-side", "lit-side", "boot-top", "deck" """
    start: float
    """Cross-hull coordinate, positive to starboard, from the centreline at the water [m]."""
    stop: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What was measured against what was fitted, for the inset and the way back to the pixels."""

    band: str
    u: tuple[float, ...]
    """Cross-hull image coordinate, positive to starboard [m]."""
    observed: tuple[float, ...]
    """Mean reflectance along the mid-body [1]."""
    fitted: tuple[float, ...]
    parts: tuple[ProfilePart, ...]
    """At the most likely freeboard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedLine:
    """A line of the measurement on the image."""

    name: Literal["waterline", "deck-edge", "shadow-tip", "boot-top"]
    points: tuple[LonLat, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeboard:
    """Height of the main deck edge at side above the water, amidships."""

    value: float
    """Mean of the curve [m]."""
    sigma: float
    interval90: Interval
    cues: tuple[Cue, ...]
    information: float
    """Over the prior [bits]."""
    curve: Curve
    expected_sigma: float
    """Before looking, from geometry, gsd and contrast [m]."""
    profile: Profile | None = None
    lines: tuple[MarkedLine, ...] = ()
    azimuth_check: AzimuthCheck = "undecided"
    flags: tuple[str, ...] = ()
    bulwark: float = 0.0
    """Probability of a bulwark along her side: so much of the curve lies its height lower [1]."""
    bulwark_share: float = 0.0
    """The same before looking: how many ships of her length have one [1]."""


# ------------------------------------------------------------------------------------------------ load


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its uncertainty."""

    value: float
    sigma: float
    interval90: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoTable:
    """Cargo as a function of *measured* freeboard, particulars and identity integrated out.

    With it looks combine by adding curves: posterior of freeboard ~ `prior` x likelihoods, then cargo.
    All arrays are parallel, on `start + step * arange(n)`.
    """

    start: float
    """[m]"""
    step: float
    """[m]"""
    prior: tuple[float, ...]
    """Density over freeboard before the image, ballast and loaded together [1/m]."""
    ballast: tuple[float, ...]
    """Probability that a ship at this freeboard carries water ballast and no cargo."""
    cargo: tuple[float, ...]
    """Mean where she does not [t]."""
    cargo_sigma: tuple[float, ...]
    """All terms together, image apart [t]."""
    fraction: tuple[float, ...]
    """Mean load fraction where she does not [1]."""
    fraction_sigma: tuple[float, ...]
    deadweight: tuple[float, ...]
    """Mean deadweight on board [t]."""
    terms: tuple[tuple[str, tuple[float, ...]], ...]
    """One standard deviation of the cargo by term, image apart [t]."""
    capacity: Estimate
    """Deadweight less full consumables [t]."""
    bulwark_evidence: float = 0.0
    """What her other calls say for a bulwark along her side [nats]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What she carries, from her freeboard and her particulars."""

    fraction: float
    """Cargo over cargo capacity, median [1]."""
    sigma: float
    interval90: Interval
    deadweight_on_board: float
    """Mean [t]."""
    cargo: float
    """Median [t]."""
    cargo_sigma: float
    """[t]"""
    budget: tuple[tuple[str, float], ...] = ()
    """One standard deviation of the cargo by term, largest first [t]."""
    ballast_probability: float = 0.0
    """That she is in the ballast condition: water, no cargo."""
    table: CargoTable | None = None
    """For combining with other looks at the same ship."""
    sources: tuple[tuple[str, str], ...] = ()
    """Where each particular of the first candidate came from: ("dwt", "register"), ("depth", "load line")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOutcome:
    """What a freeboard says of the cargo, or why it says nothing."""

    draught: Estimate | None
    """Amidships [m]."""
    load: Load | None
    load_not_known: Refused | None
