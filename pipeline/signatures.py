"""What an analyst's word on a ship's name changes in one scene: her load, from that ship's particulars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.config import Config
from pipeline.datatypes import Detection, Ship, SignedIdentity, Site
from pipeline.products import DetectionResult, SceneResult


def load_as_signed(
    result: SceneResult,
    signed: Sequence[SignedIdentity],
    site: Site,
    fleet: Sequence[Ship],
    config: Config,
) -> SceneResult:
    """The scene with identity and load of its signed sightings as signed; the last word on each holds."""
    words = {s.detection_id: s for s in sorted(signed, key=lambda s: s.at) if s.scene_id == result.scene_id}
    if not words:
        return result
    ships = tuple(
        _load_as(ship, words[ship.id], site, fleet, config) if ship.id in words else ship
        for ship in result.detections
    )
    return replace(result, detections=ships)


def _load_as(
    ship: DetectionResult, word: SignedIdentity, site: Site, fleet: Sequence[Ship], config: Config
) -> DetectionResult:
    from pipeline.load import estimate_load
    from pipeline.visits import bind_identity

    identity = bind_identity(word, fleet)
    if ship.freeboard is None:
        return replace(ship, identity=identity)
    outcome = estimate_load(
        _as_detected(ship),
        ship.freeboard,
        identity,
        fleet,
        water_density=site.water_density,
        config=config.load,
    )
    return replace(
        ship,
        identity=identity,
        draught=outcome.draught,
        load=outcome.load,
        load_not_known=outcome.load_not_known,
    )


def _as_detected(ship: DetectionResult) -> Detection:
    """Her plan as the detector had it; where she lies in the chip is not kept, and a load does not ask."""
    return Detection(
        id=ship.id,
        outline=(),
        centre=(0.0, 0.0),
        heading=ship.heading,
        heading_sigma=0.0,
        heading_ambiguous=ship.heading_ambiguous,
        length=ship.length,
        length_sigma=ship.length_sigma,
        beam=ship.beam,
        beam_sigma=ship.beam_sigma,
        kind=ship.kind,
        tanker_probability=ship.tanker_probability,
        score=ship.score,
        flags=ship.flags,
    )
