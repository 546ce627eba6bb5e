"""Who a ship may be: a ranked list against the register, "none of these" always in it.

Bayes over the rows of the register and one alternative. A row's length or beam that is not known is
integrated out with a broad prior (from its deadweight where that is known), so that a row without
particulars is neither favoured nor ruled out. Deck layout, colours and the like are not used here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, pi, sqrt

from pipeline.config import VisitsConfig
from pipeline.datatypes import Detection, Identity, Ship, SignedIdentity

REGISTER_LENGTH_SIGMA = 0.01
"""Outline at the waterline against the length over all in a register, relative [1]."""
REGISTER_BEAM_SIGMA = 0.25
"""[m]"""
TANKER_LENGTH, TANKER_LENGTH_SIGMA = 90.0, 0.35
"""A product tanker whose size nobody noted: median [m] and spread of the logarithm."""
ANY_LENGTH, ANY_LENGTH_SIGMA = 110.0, 0.55
"""Any ship at all: median [m] and spread of the logarithm."""
DEADWEIGHT_LENGTH_SIGMA = 0.07
"""Of a length from a deadweight, relative [1]."""
BEAM_SIGMA = 0.08
"""Of a beam from a length, relative [1]."""
UNLISTED_TANKERS = 0.5
"""Share of tankers among ships in no row of the register [1]."""
LEAST = 1e-4
"""Rows below this are left out of the list [1]."""
OUTLINE_SIGMA = 1.0
"""What an outline adds from look to look: wakes, fenders, pixels [m]."""
CHANCE_LENGTH, CHANCE_BEAM = 30.0, 5.0
"""Spread of the difference between two unrelated ships that are in no register [m]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A ship's length and beam, from one look or from several."""

    length: float
    length_sigma: float
    beam: float
    beam_sigma: float
    tanker_probability: float


def rank_identities(
    detection: Detection | Size, fleet: Sequence[Ship], *, config: VisitsConfig
) -> tuple[Identity, ...]:
    """The register's ships by probability, with "none of these" (imo and name None); sums to one.

    Parameters
    ----------
    detection
        Length, beam [m] with their sigmas, and how tanker-like she is.
    fleet
        Rows without sizes stay in the list with what a broad prior leaves them.
    config
        Prior that she is in no row.

    Returns
    -------
    tuple of Identity
        Most probable first; ties by IMO number, then name, "none of these" last. Rows below 1e-4 are
        left out.
    """
    rows: list[Ship | None] = [*distinct_ships(fleet), None]
    return rank_scores(list(zip(rows, identity_scores(detection, rows, config=config), strict=True)))


def identity_scores(
    seen: Detection | Size, rows: Sequence[Ship | None], *, config: VisitsConfig
) -> list[float]:
    """Log weights, prior and fit, of rows of the register and of None, a ship in no row."""
    tanker = min(max(seen.tanker_probability, 0.01), 0.99)
    kind = UNLISTED_TANKERS * tanker + (1 - UNLISTED_TANKERS) * (1 - tanker)
    listed = sum(row is not None for row in rows)
    unlisted = config.unlisted_prior if listed else 1.0
    each = (1 - unlisted) / max(listed, 1) * tanker
    return [
        log(max(unlisted, 1e-9) * kind if row is None else max(each, 1e-12)) + _fit(row, seen) for row in rows
    ]


def bind_identity(signed: SignedIdentity, fleet: Sequence[Ship]) -> tuple[Identity, ...]:
    """The ranked list where an analyst signed: all on that ship, or on none of the register's."""
    nobody = Identity(imo=None, name=None, probability=1.0 if signed.imo is None else 0.0)
    if signed.imo is None:
        return (nobody,)
    names = [ship.name for ship in fleet if ship.imo == signed.imo]
    name = names[0] if names else f"IMO {signed.imo}"
    return Identity(imo=signed.imo, name=name, probability=1.0), nobody


def same_ship(first: Size, second: Size, fleet: Sequence[Ship], *, config: VisitsConfig) -> float:
    """Log Bayes factor of one ship measured twice against two ships, each of them any.

    Over the register both may be the same row, which ten known ships of ten lengths make a strong word; a
    ship in no row is as likely to look like another as ships in general are.
    """
    rows = distinct_ships(fleet)
    unlisted = config.unlisted_prior if rows else 1.0
    nobody = (_fit(None, first), _fit(None, second))
    both = [log(max(unlisted, 1e-9)) + sum(nobody) + same_size(first, second)]
    alone = ([log(max(unlisted, 1e-9)) + nobody[0]], [log(max(unlisted, 1e-9)) + nobody[1]])
    for ship in rows:
        prior = log((1 - unlisted) / len(rows))
        fits = (_fit(ship, first), _fit(ship, second))
        both.append(prior + sum(fits))
        alone[0].append(prior + fits[0])
        alone[1].append(prior + fits[1])
    return _log_sum(both) - _log_sum(alone[0]) - _log_sum(alone[1])


def same_size(first: Size, second: Size) -> float:
    """Log ratio of one ship measured twice against two ships, by the measurements alone."""
    fit = 0.0
    for difference, sigmas, chance in (
        (first.length - second.length, (first.length_sigma, second.length_sigma), CHANCE_LENGTH),
        (first.beam - second.beam, (first.beam_sigma, second.beam_sigma), CHANCE_BEAM),
    ):
        same = sqrt(sigmas[0] ** 2 + sigmas[1] ** 2 + OUTLINE_SIGMA**2)
        fit += _log_normal(difference, 0.0, same) - _log_normal(difference, 0.0, sqrt(same**2 + chance**2))
    return fit


def _log_sum(values: Sequence[float]) -> float:
    top = max(values)
    return top + log(sum(exp(value - top) for value in values))


def rank_scores(scores: Sequence[tuple[Ship | None, float]]) -> tuple[Identity, ...]:
    """Log weights as a ranked list that sums to one."""
    top = max(score for _, score in scores)
    weights = [(ship, exp(score - top)) for ship, score in scores]
    total = sum(w for _, w in weights)
    kept = [(ship, w) for ship, w in weights if w / total >= LEAST or ship is None]
    total = sum(w for _, w in kept)
    kept.sort(key=lambda item: (-item[1], *_order(item[0])))
    return tuple(
        Identity(
            imo=None if ship is None else ship.imo,
            name=None if ship is None else ship.name,
            probability=weight / total,
        )
        for ship, weight in kept
    )


def _order(ship: Ship | None) -> tuple[float, str]:
    """IMO order; rows without a number after those with one, "none of these" last."""
    if ship is None:
        return float("inf"), "\uffff"
    return (float("inf") if ship.imo is None else float(ship.imo)), ship.name


def distinct_ships(fleet: Sequence[Ship]) -> list[Ship]:
    """One row a ship: the first of each IMO number, or of each name where there is no number."""
    seen: dict[tuple[int | None, str], Ship] = {}
    for ship in fleet:
        seen.setdefault((ship.imo, "" if ship.imo is not None else ship.name), ship)
    return list(seen.values())


def _fit(ship: Ship | None, seen: Detection | Size) -> float:
    """Log density of the measured length and beam under a row of the register (None = any ship)."""
    centre, spread = _expected_length(ship)
    sigma = sqrt(spread**2 + max(seen.length_sigma, 0.1) ** 2)
    fit = _log_normal(seen.length, centre, sigma)
    if ship is not None and ship.beam is not None:
        beam, spread = ship.beam, REGISTER_BEAM_SIGMA
    else:
        # A beam follows from the length she has, not from the length of ships in general.
        length = ship.loa if ship is not None and ship.loa is not None else seen.length
        beam = usual_beam(length)
        spread = BEAM_SIGMA * beam * (1.0 if ship is not None else 1.5)
    return fit + _log_normal(seen.beam, beam, sqrt(spread**2 + max(seen.beam_sigma, 0.1) ** 2))


def _expected_length(ship: Ship | None) -> tuple[float, float]:
    """(centre, sigma) of the length to be measured [m]."""
    if ship is None:
        return ANY_LENGTH, ANY_LENGTH_SIGMA * ANY_LENGTH
    if ship.loa is not None:
        return ship.loa, REGISTER_LENGTH_SIGMA * ship.loa
    if ship.dwt is not None:
        length = usual_length(ship.dwt)
        return length, DEADWEIGHT_LENGTH_SIGMA * length
    return TANKER_LENGTH, TANKER_LENGTH_SIGMA * TANKER_LENGTH


def usual_length(dwt: float) -> float:
    """Length over all of a tanker of this deadweight [m], spread 7 %: 75 m at 2,000 t, 98 m at 5,000 t."""
    return float(5.75 * dwt ** (1 / 3) * (dwt / 4000) ** -0.05)


def usual_beam(loa: float) -> float:
    """Beam of a tanker of this length [m], spread 8 %."""
    share = min(max((loa - 110.0) / 70.0, 0.0), 1.0)
    return loa / (6.2 + share * (5.65 - 6.2))


def _log_normal(value: float, centre: float, sigma: float) -> float:
    return -0.5 * ((value - centre) / sigma) ** 2 - log(sigma * sqrt(2 * pi))
