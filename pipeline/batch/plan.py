"""What is to be done for which scene, and why: decided purely, as a value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pipeline.batch.records import Looked
from pipeline.datatypes import InputFile, Scene
from pipeline.errors import Refused
from pipeline.store import SceneRow

if TYPE_CHECKING:
    from pipeline.ingest import Delivery

Reason = Literal[
    "new",
    "bytes changed",
    "settings changed",
    "site changed",
    "register changed",
    "version changed",
    "memory changed",
    "previous failure",
    "output missing",
    "forced",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a scene's result depends on: the same key, the same bytes."""

    content: str
    version: str
    site: str
    register: str
    settings: str
    memory: str

    def to_text(self) -> str:
        """One canonical line."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A scene to be measured."""

    delivery: Delivery
    scene: Scene
    """Under the scene_id it will have in the folder."""
    key: Key
    reason: Reason
    cells: str | None
    images: str
    site: str | None = None
    """The id of the site that it meets."""
    unsurveyed: str | None = None
    """The key of a survey to be made on the way."""
    flag: str | None = None
    """A sentence for the user, e.g. that it was renamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A delivery with nothing to do."""

    delivery: Delivery
    scene_id: str
    reason: str
    """ "up to date", or "duplicate of X" """
    refused: Refused | None = None
    """A refusal that still stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A delivery that cannot be read as a scene."""

    delivery: Delivery
    scene_id: str
    refused: Refused
    inputs: tuple[InputFile, ...]
    content: str
    images: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole batch, in the order of its deliveries."""

    tasks: tuple[Task, ...]
    skips: tuple[Skip, ...]
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What results of this run depend on beside the bytes of their scenes."""

    version: str
    site: str
    """Hash of the site; of all of them for a scene that meets none."""
    register: str
    settings: str
    memories: Mapping[str, str]
    """Hash of the terminal's memory by the cells of a class of gsd."""
    sites: Mapping[str, str] = field(default_factory=dict)
    """Hash of each site by its id."""


def hash_content(inputs: Sequence[InputFile]) -> str:
    """sha256 over the files' hashes, whatever their names and order; '' without files."""
    if not inputs:
        return ""
    return hashlib.sha256("\n".join(sorted(i.sha256 for i in inputs)).encode()).hexdigest()


def plan_batch(
    looks: Sequence[Looked],
    rows: Sequence[SceneRow],
    wanted: Wanted,
    *,
    intact: frozenset[str] = frozenset(),
    force: bool = False,
) -> Plan:
    """What has to be done.

    Parameters
    ----------
    looks
        One a delivery.
    rows
        What the store knows.
    wanted
        What the results would depend on.
    intact
        The scenes in the store whose files are all there, unharmed.
    force
        Do everything again.
    """
    ordered = sorted(looks, key=lambda look: (look.delivery.name, str(look.delivery.path)))
    first, duplicates = _split_duplicates(ordered, rows)
    ids = assign_ids(first, rows)
    by_id = {row.scene_id: row for row in rows}
    tasks: list[Task] = []
    skips = [
        Skip(delivery=look.delivery, scene_id=ids[at], reason=f"duplicate of {ids[at]}, same bytes")
        for look, at in duplicates
    ]
    refusals: list[Refusal] = []
    for at, look in enumerate(first):
        scene_id = ids[at]
        if look.scene is None:
            refused = look.refused or Refused(code="unreadable", message="nothing could be read")
            refusals.append(
                Refusal(
                    delivery=look.delivery,
                    scene_id=scene_id,
                    refused=refused,
                    inputs=look.inputs,
                    content=look.content,
                    images=look.images,
                )
            )
            continue
        task = _task(look, look.scene, scene_id, wanted)
        row = by_id.get(scene_id)
        reason = reason_for(task.key, row, intact=scene_id in intact, force=force)
        if reason is None:
            skips.append(_up_to_date(look.delivery, scene_id, row))
        else:
            tasks.append(_with_reason(task, reason))
    return Plan(tasks=tuple(tasks), skips=tuple(skips), refusals=tuple(refusals))


def _up_to_date(delivery: Delivery, scene_id: str, row: SceneRow | None) -> Skip:
    refused = None
    if row is not None and row.status == "refused":
        refused = Refused(code=row.code or "", message=row.message or "")
    return Skip(delivery=delivery, scene_id=scene_id, reason="up to date", refused=refused)


def _task(look: Looked, scene: Scene, scene_id: str, wanted: Wanted) -> Task:
    key = Key(
        content=look.content,
        version=wanted.version,
        site=wanted.sites.get(look.site or "", wanted.site),
        register=wanted.register,
        settings=wanted.settings,
        memory="" if look.cells is None else wanted.memories.get(look.cells, ""),
    )
    renamed = scene_id != scene.scene_id
    return Task(
        delivery=look.delivery,
        scene=replace(scene, scene_id=scene_id) if renamed else scene,
        key=key,
        reason="new",
        cells=look.cells,
        site=look.site,
        images=look.images,
        unsurveyed=look.unsurveyed,
        flag=f"another scene is already called {scene.scene_id}; kept as {scene_id}" if renamed else None,
    )


def _with_reason(task: Task, reason: Reason) -> Task:
    return replace(task, reason=reason)


def reason_for(key: Key, row: SceneRow | None, *, intact: bool, force: bool) -> Reason | None:
    """Why a scene must be measured, or None where its result stands."""
    if row is None or (row.status == "refused" and not row.key):
        return "new"
    if row.status in {"crashed", "failed"}:
        return "previous failure"
    changed: dict[str, Reason] = {
        "content": "bytes changed",
        "version": "version changed",
        "site": "site changed",
        "register": "register changed",
        "settings": "settings changed",
        "memory": "memory changed",
    }
    known = json.loads(row.key) if row.key else {}
    for part, reason in changed.items():
        if known.get(part) != getattr(key, part):
            return reason
    if not intact:
        return "output missing"
    return "forced" if force else None


def _split_duplicates(
    looks: Sequence[Looked], rows: Sequence[SceneRow]
) -> tuple[list[Looked], list[tuple[Looked, int]]]:
    """The first delivery of each content, and the others with the position of their first.

    The delivery that the store already knows by its path comes before the others.
    """
    paths = {(row.images, row.path) for row in rows}
    groups: dict[str, list[Looked]] = {}
    for look in looks:
        groups.setdefault(look.images or f"unread {look.delivery.path}", []).append(look)
    first: list[Looked] = []
    duplicates: list[tuple[Looked, int]] = []
    for group in groups.values():
        group.sort(key=lambda look: (look.images, str(look.delivery.path)) not in paths)
        duplicates += [(look, len(first)) for look in group[1:]]
        first.append(group[0])
    return first, duplicates


def assign_ids(looks: Sequence[Looked], rows: Sequence[SceneRow]) -> list[str]:
    """The scene_id of each look: its own, or with eight digits of its content where another scene has it.

    A scene keeps the id under which the store knows its bytes. New bytes at the path of a known scene, or
    where the known one was never read, take that scene's place.
    """
    by_images = {row.images: row.scene_id for row in rows if row.images}
    by_id = {row.scene_id.casefold(): row for row in rows}
    taken: set[str] = set()
    ids: dict[int, str] = {}
    known_first = sorted(range(len(looks)), key=lambda at: looks[at].images not in by_images)
    for at in known_first:
        look = looks[at]
        own = look.delivery.name if look.scene is None else look.scene.scene_id
        scene_id = by_images.get(look.images, own)
        holder = by_id.get(scene_id.casefold())
        replaces = (
            holder is None
            or holder.images == look.images
            or holder.path == str(look.delivery.path)
            or not holder.is_measured
        )
        if scene_id.casefold() in taken or not replaces:
            digest = look.images or hashlib.sha256(str(look.delivery.path).encode()).hexdigest()
            scene_id = f"{own[:91]}-{digest[:8]}"
        taken.add(scene_id.casefold())
        ids[at] = scene_id
    return [ids[at] for at in range(len(looks))]
