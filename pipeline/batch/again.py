"""One scene again: measured anew, or only drawn."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.batch.children import take_picture
from pipeline.batch.compare import Change, compare
from pipeline.batch.executors import Executor
from pipeline.batch.records import Failure, PictureJob
from pipeline.batch.season import read_season
from pipeline.batch.setting import Setting, read_setting
from pipeline.errors import UsageError
from pipeline.store import SceneRow, Store, empty_work, install, remove_work, to_plain

if TYPE_CHECKING:
    from pipeline.ingest import Delivery


def find_scenes(
    names: Sequence[str], rows: Sequence[SceneRow]
) -> tuple[tuple[Delivery, ...], list[SceneRow]]:
    """The deliveries that paths or scene ids mean, and what the store knows of them.

    Raises
    ------
    UsageError
        A name is neither, or the files of a known scene are gone.
    """
    from pipeline.ingest import Delivery, find_deliveries

    by_id = {row.scene_id: row for row in rows}
    found: dict[Delivery, SceneRow | None] = {}
    for name in names:
        row = by_id.get(name)
        if row is not None:
            if not Path(row.path).exists():
                raise UsageError(f"{name}: its files are not at {row.path} any more", hint="name their path")
            found[Delivery(name=row.name, path=Path(row.path), kind=row.kind)] = row
        elif Path(name).exists():
            by_path = {row.path: row for row in rows}
            for delivery in find_deliveries([Path(name)]):
                found.setdefault(delivery, by_path.get(str(delivery.path)))
        else:
            ids = ", ".join(sorted(by_id)[:8]) or "none yet"
            raise UsageError(f"{name}: neither a scene of this folder nor a path", hint=f"scenes: {ids}")
    return tuple(found), [row for row in found.values() if row is not None]


Snapshot = dict[str, Any]
"""Documents as JSON values: `visits`, `volume`, and each scene's result by its id."""


def take_snapshot(store: Store) -> Snapshot:
    """All that a folder says now."""
    snapshot: Snapshot = {
        f"scene {row.scene_id}": json.loads(row.result) for row in store.scenes() if row.result is not None
    }
    season = read_season(store)
    if season is not None:
        snapshot |= {"visits": to_plain(season.visits), "volume": to_plain(season.volume)}
    return snapshot


def compare_snapshots(before: Snapshot, after: Snapshot) -> dict[str, tuple[Change, ...]]:
    """What moved, by document: scenes first, then visits, then barrels."""
    names = sorted(before.keys() | after.keys())
    changes = {name: compare(before.get(name), after.get(name)) for name in names}
    return {name: found for name, found in changes.items() if found}


def draw_again(
    folder: Path, deliveries: Sequence[Delivery], executor: Executor
) -> list[tuple[str, str | tuple[Path, ...]]]:
    """(scene id, its new pictures, or why there are none) for scenes that the folder has measured."""
    drawn: list[tuple[str, str | tuple[Path, ...]]] = []
    with Store.claim(folder) as store:
        setting = read_setting(store)
        rows = {row.path: row for row in store.scenes()}
        picked = [rows[str(d.path)] for d in deliveries if str(d.path) in rows]
        if setting is None:
            return [(row.scene_id, "nothing was run into this folder") for row in picked]
        work = empty_work(folder)
        try:
            jobs = [_picture_job(row, setting, work) for row in picked if row.is_measured]
            ids = [job.scene_id for job in jobs]
            drawn += [(r.scene_id, f"{r.code}: {r.message}") for r in picked if r.scene_id not in ids]
            for at, made in executor.run(take_picture, jobs):
                if isinstance(made, Failure):
                    drawn.append((ids[at], f"{made.kind}: {made.message}"))
                elif made.refused is not None:
                    drawn.append((ids[at], f"{made.refused.code}: {made.refused.message}"))
                else:
                    here = f"scenes/{ids[at]}"
                    files = [
                        install(folder, p.path, f"{here}/{p.name}", sha256=p.sha256) for p in made.pictures
                    ]
                    store.commit_pictures(ids[at], files)
                    drawn.append((ids[at], tuple(folder / f.path for f in files)))
        finally:
            remove_work(folder)
    return sorted(drawn, key=lambda pair: pair[0])


def _picture_job(row: SceneRow, setting: Setting, work: Path) -> PictureJob:
    from pipeline.ingest import Delivery

    return PictureJob(
        delivery=Delivery(name=row.name, path=Path(row.path), kind=row.kind),
        scene_id=row.scene_id,
        content=row.content,
        site=setting.site_of(row.site),
        config=setting.config,
        result=row.result or b"",
        work=work / row.scene_id,
    )
