"""Calls at two places as one voyage: laden at the terminal, then seen where she may discharge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp

from pipeline.config import VisitsConfig
from pipeline.datatypes import Ship
from pipeline.products import DetectionResult, SceneResult, Visit, Voyage, VoyageCall
from pipeline.visits.identity import Size, same_ship

LONGEST = 30.0
"""A ship seen later than this after her departure is on another voyage [days]."""
SHORTEST = 0.25
"""Nobody leaves one port and lies in another within [days]."""
TURNS_UP = 0.5
"""Prior that a departure is followed by one of the calls that were seen elsewhere [1]."""
SIGNED_ALIKE, SIGNED_APART = 12.0, -30.0
"""Log odds where analysts gave both the same name, or two names."""
LEAST = 0.01
"""Calls below this are left out [1]."""
DAY = 86_400.0
Ships = Mapping[tuple[str, str], DetectionResult]
"""By scene_id and detection id."""


def join_voyages(
    visits: Sequence[Visit],
    elsewhere: Sequence[Visit],
    results: Sequence[SceneResult],
    fleet: Sequence[Ship],
    *,
    config: VisitsConfig,
) -> tuple[Voyage, ...]:
    """For each visit at the terminal that may go on at another place, the calls there by probability.

    A call follows a departure where the windows allow it; the ship is the same by length, beam, register and
    signed names, against two ships each of them any. A call is shared out among the departures that compete
    for it, so that no cargo is discharged twice.

    Parameters
    ----------
    visits, elsewhere
        Of the terminal, and of every other site.
    results
        The scenes behind both.
    fleet
        The register.
    config
        Prior that a ship is in no row.

    Returns
    -------
    tuple of Voyage
        In the order of `visits`; visits that nothing may follow are left out.
    """
    ships: Ships = {(r.scene_id, d.id): d for r in results for d in r.detections}
    odds = {
        (i, j): exp(_log_odds(visit, call, ships, fleet, config)) * TURNS_UP / max(len(elsewhere), 1)
        for i, visit in enumerate(visits)
        for j, call in enumerate(elsewhere)
        if _may_follow(visit, call)
    }
    shares = _share_out(odds)
    voyages = []
    for i, visit in enumerate(visits):
        found = sorted(
            ((p, j) for (k, j), p in shares.items() if k == i and p >= LEAST), key=lambda e: (-e[0], e[1])
        )
        if found:
            calls = tuple(_call(elsewhere[j], p, ships) for p, j in found)
            voyages.append(Voyage(visit_id=visit.visit_id, calls=calls))
    return tuple(voyages)


def _may_follow(visit: Visit, call: Visit) -> bool:
    """Whether the windows let her leave the one and lie in the other within a voyage's time."""
    soonest = (call.arrival_window[1] - visit.departure_window[0]).total_seconds() / DAY
    latest = visit.departure_window[1] or visit.departure_window[0]
    longest = (call.arrival_window[0] - latest).total_seconds() / DAY
    return soonest >= SHORTEST and longest <= LONGEST


def _log_odds(visit: Visit, call: Visit, ships: Ships, fleet: Sequence[Ship], config: VisitsConfig) -> float:
    signed = "identity-signed" in visit.flags and "identity-signed" in call.flags
    if signed and visit.identity and call.identity:
        alike = visit.identity[0].imo == call.identity[0].imo is not None
        return SIGNED_ALIKE if alike else SIGNED_APART
    first, second = _size(visit, ships), _size(call, ships)
    return 0.0 if first is None or second is None else same_ship(first, second, fleet, config=config)


def _size(visit: Visit, ships: Ships) -> Size | None:
    """By her best look; looks of one ship share what makes an outline wrong."""
    seen = [ships[p] for p in zip(visit.scene_ids, visit.detection_ids, strict=False) if p in ships]
    if not seen:
        return None
    best = min(seen, key=lambda s: (s.length_sigma, s.id))
    return Size(
        length=best.length,
        length_sigma=best.length_sigma,
        beam=best.beam,
        beam_sigma=best.beam_sigma,
        tanker_probability=best.tanker_probability,
    )


def _share_out(odds: Mapping[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """Probabilities of pairs: each visit goes on at one call or none, each call follows one visit or none.

    By belief propagation on the bipartite graph, exact where the choices form no circle.
    """
    message = dict.fromkeys(odds, 1.0)
    for _ in range(50):
        forth = {
            (i, j): w / (1 + sum(odds[k, m] * message[k, m] for k, m in odds if k == i and m != j))
            for (i, j), w in odds.items()
        }
        message = {
            (i, j): 1 / (1 + sum(w for (k, m), w in forth.items() if m == j and k != i)) for i, j in odds
        }
    return {
        (i, j): w * message[i, j] / (1 + sum(odds[k, m] * message[k, m] for k, m in odds if k == i))
        for (i, j), w in odds.items()
    }


def _call(call: Visit, probability: float, ships: Ships) -> VoyageCall:
    """The call, with the first load that was measured there: what she brought."""
    seen = [ships[p] for p in zip(call.scene_ids, call.detection_ids, strict=False) if p in ships]
    loads = [s.load for s in seen if s.load is not None]
    return VoyageCall(
        site=call.site,
        visit_id=call.visit_id,
        probability=probability,
        arrival_window=call.arrival_window,
        fraction_on_arrival=loads[0].fraction if loads else None,
    )
