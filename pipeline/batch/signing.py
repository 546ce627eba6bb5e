"""What people signed, put to the ships that the results have now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.batch.setting import Setting
from pipeline.datatypes import Flag, LonLat, SignedIdentity
from pipeline.errors import UsageError
from pipeline.products import DetectionResult, SceneResult, SignedReading
from pipeline.signatures import load_as_signed, read_as_signed
from pipeline.store import SceneRow, SignedRow, Store, WordKind, format_time, from_json
from pipeline.visits.sightings import centre_of, distance

LEAST_REACH = 15.0
"""A ship's middle may move by half her length between two runs, and by so much at least [m]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What holds now."""

    identities: tuple[SignedIdentity, ...]
    readings: tuple[SignedReading, ...]
    flags: tuple[Flag, ...]
    """One for each word whose ship the results no longer have: it is kept, and binds nothing."""


def _ship_at(place: LonLat, ships: Sequence[DetectionResult]) -> DetectionResult | None:
    """The nearest ship whose hull may cover the place."""
    near = [(distance(centre_of(s.outline), place), s) for s in ships]
    near = [(gap, s) for gap, s in near if gap <= max(s.length / 2, LEAST_REACH)]
    return min(near, key=lambda found: found[0])[1] if near else None


def words_in_force(
    rows: Sequence[SignedRow], scenes: Sequence[SceneRow], results: Mapping[str, SceneResult]
) -> Words:
    """The last word of each kind on each ship, unless it was a withdrawal.

    A word belongs to the scene of the same image bytes, else of the same name, and there to the ship at its
    place.
    """
    by_images = {row.images: row.scene_id for row in scenes if row.images}
    held: dict[tuple[WordKind, str, str], SignedRow] = {}
    lost: dict[tuple[WordKind, str, str], SignedRow] = {}
    for row in rows:
        scene_id = by_images.get(row.images, row.scene_id)
        result = results.get(scene_id)
        ship = None if result is None else _ship_at(row.place, result.detections)
        book = lost if ship is None else held
        key = (row.kind, scene_id, row.detection_id if ship is None else ship.id)
        book.pop(key, None)
        if not row.withdrawn:
            book[key] = row
    names = sorted(held)
    return Words(
        identities=tuple(_identity(held[n], n[1], n[2]) for n in names if n[0] == "identity"),
        readings=tuple(_reading(held[n], n[1], n[2]) for n in names if n[0] == "reading"),
        flags=tuple(
            Flag(
                code="signed-without-ship",
                message=f"{name[0]} of {name[1]}/{name[2]}, signed by {lost[name].by}: there is no ship at "
                "that place now; the word is kept and binds nothing",
            )
            for name in sorted(lost)
        ),
    )


def _identity(row: SignedRow, scene_id: str, detection_id: str) -> SignedIdentity:
    return SignedIdentity(
        scene_id=scene_id,
        detection_id=detection_id,
        imo=row.imo,
        by=row.by,
        at=datetime.fromisoformat(row.at),
    )


def _reading(row: SignedRow, scene_id: str, detection_id: str) -> SignedReading:
    assert row.freeboard is not None
    assert row.sigma is not None
    return SignedReading(
        scene_id=scene_id,
        detection_id=detection_id,
        freeboard=row.freeboard,
        sigma=row.sigma,
        by=row.by,
        at=datetime.fromisoformat(row.at),
    )


def read_words(store: Store, results: Sequence[SceneResult]) -> Words:
    """What holds in a folder."""
    rows = store.signed()
    if not rows:
        return Words(identities=(), readings=(), flags=())
    return words_in_force(rows, store.scenes(), {result.scene_id: result for result in results})


def apply_words(results: Sequence[SceneResult], words: Words, setting: Setting) -> tuple[SceneResult, ...]:
    """The results with readings multiplied in and identities bound, and the loads that follow."""
    fleet, config = setting.fleet, setting.config
    bound = []
    for result in results:
        site = setting.site_of(result.site)
        read = read_as_signed(result, words.readings, site, fleet, config)
        bound.append(load_as_signed(read, words.identities, site, fleet, config))
    return tuple(bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody says of a sighting; with neither, that none of the words of its kind holds."""

    kind: WordKind
    by: str
    imo: int | None = None
    freeboard: float | None = None
    """[m]"""
    sigma: float | None = None
    """[m]"""
    withdrawn: bool = False
    note: str = ""


def sign(folder: Path, sighting: str, said: Said, *, now: datetime) -> SignedRow:
    """Keep a word on a sighting ("SCENE/DETECTION") for good.

    Raises
    ------
    UsageError
        The folder has no such sighting, or there is nothing to withdraw.
    """
    with Store.claim(folder) as store:
        scene_id, _, detection_id = sighting.rpartition("/")
        scene = store.scene(scene_id)
        ships = () if scene is None else _ships(scene)
        ship = next((s for s in ships if s.id == detection_id), None)
        if scene is None or ship is None:
            known = [f"{scene_id}/{s.id}" for s in ships] or [
                f"{row.scene_id}/{s.id}" for row in store.scenes() for s in _ships(row)
            ]
            raise UsageError(f"{sighting}: no such sighting", hint=f"SCENE/SHIP, e.g. {', '.join(known[:6])}")
        row = SignedRow(
            kind=said.kind,
            scene_id=scene_id,
            images=scene.images,
            detection_id=detection_id,
            place=centre_of(ship.outline),
            withdrawn=said.withdrawn,
            imo=said.imo,
            freeboard=said.freeboard,
            sigma=said.sigma,
            by=said.by,
            at=format_time(now.astimezone(UTC).replace(microsecond=0)),
            note=said.note,
        )
        if said.withdrawn:
            _check_withdrawal(store, row)
        store.append_signed(row)
    return row


def _ships(row: SceneRow) -> tuple[DetectionResult, ...]:
    return () if row.result is None else from_json(SceneResult, row.result).detections


def _check_withdrawal(store: Store, row: SignedRow) -> None:
    results = [from_json(SceneResult, r.result) for r in store.scenes() if r.result is not None]
    words = read_words(store, results)
    held = words.identities if row.kind == "identity" else words.readings
    if not any((w.scene_id, w.detection_id) == (row.scene_id, row.detection_id) for w in held):
        raise UsageError(
            f"{row.scene_id}/{row.detection_id}: no {row.kind} is signed there, so none can be withdrawn"
        )
