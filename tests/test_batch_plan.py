"""The plan is a value: what is to be done for which scene, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.batch.memory import hash_memory, learn_memories
from pipeline.batch.plan import Key, Plan, Wanted, assign_ids, hash_content, plan_batch, reason_for
from pipeline.batch.records import Looked
from pipeline.datatypes import Grid, InputFile, Scene
from pipeline.errors import Refused
from pipeline.ingest import Delivery
from pipeline.store import SceneRow, SurveyRow, grid_to_text, pack_array, text_to_grid

WANTED = Wanted(version="v", site="s", register="r", settings="c", memories={"cells": "m"})


def look(name: str, *, images: str = "", folder: str = "/in", refused: bool = False) -> Looked:
    delivery = Delivery(name=name, path=Path(folder) / f"{name}.tif", kind="geotiff")
    images = images or f"images of {name}"
    scene = Scene(
        scene_id=name,
        datetime=datetime(2024, 8, 1, tzinfo=UTC),
        platform=None,
        gsd=0.5,
        crs="EPSG:32653",
        transform=(1, 0, 0, 0, -1, 0),
        shape=(1, 1),
        footprint=(),
        bands=(),
        geometry=None,
        calibrated=True,
        source="geotiff",
    )
    return Looked(
        delivery=delivery,
        scene=None if refused else scene,
        refused=Refused(code="corrupt", message="cut off") if refused else None,
        inputs=(),
        content=f"content of {images}",
        images=images,
        cells="cells",
    )


def done(plan: Plan) -> tuple[SceneRow, ...]:
    """What the store knows after the plan was carried out."""
    return tuple(
        SceneRow(
            scene_id=task.scene.scene_id,
            path=str(task.delivery.path),
            kind=task.delivery.kind,
            name=task.delivery.name,
            content=task.key.content,
            images=task.images,
            key=task.key.to_text(),
            status="ok",
            result=b"{}",
        )
        for task in plan.tasks
    )


def everything(rows: tuple[SceneRow, ...]) -> frozenset[str]:
    return frozenset(row.scene_id for row in rows)


names = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True)


@given(names, st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_the_looks(found: list[str], random: object) -> None:
    looks = [look(name) for name in found]
    shuffled = list(looks)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert plan_batch(looks, (), WANTED) == plan_batch(shuffled, (), WANTED)


@given(names)
def test_what_was_done_is_not_done_again(found: list[str]) -> None:
    looks = [look(name) for name in found]
    first = plan_batch(looks, (), WANTED)
    assert {task.reason for task in first.tasks} == {"new"}
    rows = done(first)
    again = plan_batch(looks, rows, WANTED, intact=everything(rows))
    assert again.tasks == ()
    assert {skip.reason for skip in again.skips} == {"up to date"}
    forced = plan_batch(looks, rows, WANTED, intact=everything(rows), force=True)
    assert [task.reason for task in forced.tasks] == ["forced"] * len(looks)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (replace(WANTED, settings="c2"), "settings changed"),
        (replace(WANTED, site="s2"), "site changed"),
        (replace(WANTED, register="r2"), "register changed"),
        (replace(WANTED, version="v2"), "version changed"),
        (replace(WANTED, memories={"cells": "m2"}), "memory changed"),
        (replace(WANTED, memories={}), "memory changed"),
    ],
)
def test_every_change_is_a_reason(wanted: Wanted, reason: str) -> None:
    rows = done(plan_batch([look("a")], (), WANTED))
    (task,) = plan_batch([look("a")], rows, wanted, intact=everything(rows)).tasks
    assert task.reason == reason


def test_missing_output_a_crash_and_new_bytes_are_reasons() -> None:
    rows = done(plan_batch([look("a")], (), WANTED))
    (task,) = plan_batch([look("a")], rows, WANTED).tasks
    assert task.reason == "output missing"
    crashed = (replace(rows[0], status="crashed"),)
    (task,) = plan_batch([look("a")], crashed, WANTED, intact=everything(rows)).tasks
    assert task.reason == "previous failure"
    (task,) = plan_batch([look("a", images="other")], rows, WANTED, intact=everything(rows)).tasks
    assert (task.reason, task.scene.scene_id) == ("bytes changed", "a")


def test_a_refusal_stands_until_its_bytes_change() -> None:
    rows = done(plan_batch([look("a")], (), WANTED))
    refused = (replace(rows[0], status="refused", code="no-data", message="nothing there"),)
    (skip,) = plan_batch([look("a")], refused, WANTED, intact=everything(rows)).skips
    assert skip.refused == Refused(code="no-data", message="nothing there")


def test_a_second_delivery_of_one_scene_is_a_duplicate() -> None:
    looks = [look("b", images="same"), look("a", images="same"), look("c")]
    plan = plan_batch(looks, (), WANTED)
    assert [task.scene.scene_id for task in plan.tasks] == ["a", "c"]
    (skip,) = plan.skips
    assert (skip.delivery.name, skip.reason) == ("b", "duplicate of a, same bytes")
    # the one that the store knows stays the first, whatever comes before it in the alphabet
    rows = done(plan)
    plan = plan_batch(
        [look("0", images="same"), look("a", images="same")], rows, WANTED, intact=everything(rows)
    )
    assert plan.tasks == ()
    assert {(s.delivery.name, s.reason) for s in plan.skips} == {
        ("a", "up to date"),
        ("0", "duplicate of a, same bytes"),
    }


def test_a_scene_keeps_its_name_when_its_folder_moves() -> None:
    rows = done(plan_batch([look("a")], (), WANTED))
    moved = look("renamed", images="images of a", folder="/elsewhere")
    plan = plan_batch([moved], rows, WANTED, intact=everything(rows))
    assert [skip.scene_id for skip in plan.skips] == ["a"]


def test_two_scenes_of_one_name_are_told_apart() -> None:
    rows = done(plan_batch([look("a")], (), WANTED))
    other = look("a", images="0123456789abcdef", folder="/elsewhere")
    (task,) = plan_batch([other], rows, WANTED, intact=everything(rows)).tasks
    assert task.scene.scene_id == "a-01234567"
    assert task.flag is not None
    assert "already called a" in task.flag
    both = assign_ids([look("a"), replace(other, delivery=look("A").delivery)], ())
    assert len({name.casefold() for name in both}) == 2


def test_what_cannot_be_read_is_a_refusal() -> None:
    plan = plan_batch([look("a", refused=True), look("b")], (), WANTED)
    assert [refusal.refused.code for refusal in plan.refusals] == ["corrupt"]
    assert [task.scene.scene_id for task in plan.tasks] == ["b"]


def test_content_is_the_files_whatever_their_names_and_order() -> None:
    files = [InputFile(path=p, sha256=s, bytes=1) for p, s in (("x", "1"), ("y", "2"))]
    other = [InputFile(path=p, sha256=s, bytes=1) for p, s in (("v", "2"), ("w", "1"))]
    assert hash_content(files) == hash_content(other) != hash_content(files[:1])
    assert hash_content([]) == ""


def test_a_key_of_an_older_store_is_only_out_of_date() -> None:
    key = Key(content="c", version="v", site="s", register="r", settings="t", memory="")
    (row,) = done(plan_batch([look("a")], (), WANTED))
    assert (
        reason_for(key, replace(row, key='{"content": "c"}'), intact=True, force=False) == "version changed"
    )


def test_a_site_does_not_remember_what_stands_at_another() -> None:
    """Coarse looks take the memory of the finer ones of their own site, and of no other."""

    def rows(origin: tuple[float, float], side: float, looks: int) -> list[SurveyRow]:
        grid = Grid(shape=(8, 8), to_ground=(side, 0, 0, 0, -side, 0), origin=origin)
        seen = np.ones((8, 8), np.uint8)
        seen[:2] = 9
        return [
            SurveyRow(
                key=f"{origin}{side}{n}",
                content=f"{n}",
                acquired=f"2024-08-0{n + 1}T00:00:00Z",
                cells=grid_to_text(grid),
                seen=pack_array(seen),
            )
            for n in range(looks)
        ]

    here, there = (132.9, 42.7), (130.0, 42.0)
    learned = learn_memories([*rows(here, 5.0, 3), *rows(here, 10.0, 1), *rows(there, 10.0, 1)])
    assert [text_to_grid(text).origin for text in learned] == [here, here]
    assert len({hash_memory(memory) for memory in learned.values()}) == 1
