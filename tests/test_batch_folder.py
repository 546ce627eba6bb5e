"""A batch from files to folder: nothing twice, nothing lost, the same bytes whatever happened on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tiny_season import write_scene, write_season

from pipeline.batch import BatchOutcome, InProcess, Pool, Request, Step, run_batch
from pipeline.batch.records import Failure
from pipeline.config import Config
from pipeline.errors import StoreError
from pipeline.ingest import find_deliveries, read_fleet, read_site
from pipeline.store import Store, generate_schema

POOL = Pool(jobs=2, memory=6 * 2**30, timeout=120.0)


def carry_out(root: Path, out: Path, **options: object) -> BatchOutcome:
    request = Request(
        deliveries=find_deliveries([root / "in"]),
        out=out,
        site=read_site(str(root / "site.geojson")),
        fleet=read_fleet(root / "fleet.csv"),
        config=Config(),
        force=bool(options.get("force")),
    )
    report = options.get("report")
    executor = options.get("executor", POOL)
    if callable(report):
        return run_batch(request, executor, report=report)  # type: ignore[arg-type]
    return run_batch(request, executor)  # type: ignore[arg-type]


def content(out: Path) -> dict[str, bytes]:
    """Every file but the database and the lock."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not path.name.startswith((".", "plimsoll.db", "plimsoll.log"))
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("season")
    write_season(folder, scenes=3)
    return folder


@pytest.fixture(scope="module")
def reference(root: Path) -> Path:
    carry_out(root, root / "reference")
    return root / "reference"


def statuses(outcome: BatchOutcome) -> dict[str, str]:
    return {scene.scene_id: scene.status for scene in outcome.scenes}


def test_the_folder_holds_what_the_contract_says(reference: Path) -> None:
    files = set(content(reference))
    assert {"plimsoll.gpkg", "visits.csv", "visits.json", "volume.json"} <= files
    for day in range(3):
        here = f"scenes/look-{day}"
        assert {f"{here}/result.json", f"{here}/annotated.png", f"{here}/annotated.tif"} <= files
    assert not (reference / ".work").exists()


@pytest.mark.parametrize("name", ["result", "visits", "volume"])
def test_documents_satisfy_the_published_schemas(reference: Path, name: str) -> None:
    validator = Draft202012Validator(generate_schema(name))
    paths = sorted(reference.rglob(f"{name}.json"))
    assert paths
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert text.endswith("}\n")
        validator.validate(json.loads(text))


def test_the_same_bytes_in_one_process(root: Path, reference: Path, tmp_path: Path) -> None:
    outcome = carry_out(root, tmp_path / "out", executor=InProcess())
    assert set(statuses(outcome).values()) == {"ok"}
    assert content(tmp_path / "out") == content(reference)


def test_nothing_is_done_twice_and_force_does_it_again(root: Path, reference: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(reference, out)
    steps: list[Step] = []
    outcome = carry_out(root, out, report=steps.append)
    assert set(statuses(outcome).values()) == {"up to date"}
    assert {step.phase for step in steps} == {"look"}
    (out / "scenes" / "look-1" / "annotated.png").unlink()
    (out / "visits.csv").write_text("edited by hand")
    outcome = carry_out(root, out)
    assert statuses(outcome) == {"look-0": "up to date", "look-1": "ok", "look-2": "up to date"}
    assert [s.reason for s in outcome.scenes if s.status == "ok"] == ["output missing"]
    assert content(out) == content(reference)


def test_a_bad_scene_and_a_duplicate_do_not_stop_the_others(
    root: Path, reference: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "root"
    shutil.copytree(root / "in", copy / "in")
    for name in ("site.geojson", "fleet.csv"):
        shutil.copy(root / name, copy / name)
    (copy / "in" / "look-1.tif").write_bytes((copy / "in" / "look-1.tif").read_bytes()[:20_000])
    shutil.copytree(copy / "in", copy / "in" / "again", ignore=shutil.ignore_patterns("look-1*", "look-2*"))
    (copy / "in" / "empty.tif").write_bytes(b"")
    outcome = carry_out(copy, tmp_path / "out")
    found = {scene.scene_id: scene for scene in outcome.scenes if scene.status != "duplicate"}
    assert {name: scene.status for name, scene in found.items()} == {
        "look-0": "ok",
        "look-1": "refused",
        "look-2": "ok",
        "empty": "refused",
    }
    assert [s.status for s in outcome.scenes].count("duplicate") == 1
    for name in ("look-1", "empty"):
        result = json.loads((tmp_path / "out" / "scenes" / name / "result.json").read_text())
        assert result["status"] == "refused"
        assert result["reason"]["code"]
        assert len(result["reason"]["message"]) > 20
    Draft202012Validator(generate_schema("result")).validate(result)
    # the good bytes arrive: they take the refused scene's place
    shutil.copy(root / "in" / "look-1.tif", copy / "in" / "look-1.tif")
    (copy / "in" / "empty.tif").unlink()
    again = {s.scene_id: s for s in carry_out(copy, tmp_path / "out").scenes if s.status != "duplicate"}
    assert again["look-1"].status == "ok"
    mended = (tmp_path / "out" / "scenes" / "look-1" / "result.json").read_bytes()
    assert mended == (reference / "scenes" / "look-1" / "result.json").read_bytes()


def test_an_earlier_look_moves_the_memory_and_the_rest_follows(
    root: Path, reference: Path, tmp_path: Path
) -> None:
    """In whatever order scenes arrive, giving them all ends with the same bytes."""
    copy = tmp_path / "root"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns("reference"))
    for path in (copy / "in").glob("look-0*"):
        path.unlink()
    carry_out(copy, tmp_path / "out")
    shutil.copytree(root / "in", copy / "in", dirs_exist_ok=True)
    outcome = carry_out(copy, tmp_path / "out")
    assert statuses(outcome)["look-0"] == "ok"
    assert content(tmp_path / "out") == content(reference)


def command(root: Path, out: Path) -> list[str]:
    inputs = [str(root / "in"), "--site", str(root / "site.geojson"), "--fleet", str(root / "fleet.csv")]
    return [sys.executable, "-m", "pipeline.cli", "run", *inputs, "--out", str(out), "--jobs", "2"]


def wait_for(seen: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while not seen() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)


def test_killed_at_any_moment_the_next_run_ends_with_the_same_bytes(
    root: Path, reference: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    moments: list[Callable[[], bool]] = [
        lambda: any(out.glob("scenes/*/annotated.tif")),  # children at work, a scene being committed
        lambda: (out / "visits.csv").exists(),  # the season being committed
    ]
    for moment in moments:
        process = subprocess.Popen(
            command(root, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        wait_for(moment, process)
        process.kill()  # the parent alone: its children must follow by themselves
        process.wait()
    outcome = carry_out(root, out)
    assert not outcome.troubled
    assert content(out) == content(reference)
    assert not (out / ".work").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_clean_and_is_safe_to_repeat(root: Path, tmp_path: Path, number: int) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(root, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    wait_for(lambda: any(out.glob(".work/*/*")), process)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does it
    else:
        process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert stdout == b""
    assert b"the same command goes on" in stderr
    assert b"Traceback" not in stderr
    Store.claim(out).close()


def test_a_busy_folder_is_left_alone(root: Path, reference: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(reference, out)
    before = content(out)
    with Store.claim(out), pytest.raises(StoreError, match="busy"):
        carry_out(root, out)
    assert content(out) == before


def test_a_disk_that_fills_up_stops_the_batch_and_loses_nothing(
    root: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    shutil.copytree(reference, out)
    real = os.replace

    def full(source: object, target: object) -> None:
        if "look-1" in str(target):
            raise OSError(28, "No space left on device")
        real(source, target)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.store.files.os.replace", full)
        with pytest.raises(StoreError, match="is full"):
            carry_out(root, out, executor=InProcess(), force=True)
    assert content(out) == content(reference)
    assert set(statuses(carry_out(root, out)).values()) == {"up to date"}


class Unlucky:
    """An executor whose children die over one scene, on the first look at it or the second."""

    def __init__(self, name: str, *, phase: str) -> None:
        self.name, self.phase = name, phase

    def run(
        self, function: Callable[[Any], Any], jobs: Sequence[Any], tick: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[int, Any]]:
        for at, made in InProcess().run(function, jobs):
            job = jobs[at]
            name = job.scene.scene_id if hasattr(job, "scene") else job.delivery.name
            dies = name == self.name and self.phase == ("measure" if hasattr(job, "scene") else "look")
            yield at, Failure(kind="crashed", message="its process was ended by SIGSEGV") if dies else made


@pytest.mark.parametrize("phase", ["look", "measure"])
def test_a_crash_costs_one_scene_and_is_tried_again(root: Path, tmp_path: Path, phase: str) -> None:
    one = tmp_path / "root"
    shutil.copytree(root, one, ignore=shutil.ignore_patterns("reference", "look-0*", "look-2*"))
    out = tmp_path / "out"
    outcome = carry_out(one, out, executor=Unlucky("look-1", phase=phase))
    assert statuses(outcome) == {"look-1": "crashed"}
    result = json.loads((out / "scenes" / "look-1" / "result.json").read_text())
    assert result["reason"] == {"code": "crashed", "message": "its process was ended by SIGSEGV"}
    assert statuses(carry_out(one, out, executor=InProcess())) == {"look-1": "ok"}
    measured = content(out)
    outcome = carry_out(one, out, executor=Unlucky("look-1", phase=phase), force=True)
    assert statuses(outcome) == {"look-1": "crashed"}
    assert content(out) == measured, "what was measured before stands"


def test_a_scene_outside_the_site_is_read_whole(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "root"
    write_scene(copy / "in", "far", day=1)
    shutil.copy(root / "fleet.csv", copy / "fleet.csv")
    site = json.loads((root / "site.geojson").read_text())
    for feature in site["features"]:
        ring = feature["geometry"]["coordinates"][0]
        feature["geometry"]["coordinates"] = [[[lon + 0.2, lat] for lon, lat in ring]]
    (copy / "site.geojson").write_text(json.dumps(site))
    carry_out(copy, tmp_path / "out", executor=InProcess())
    result = json.loads((tmp_path / "out" / "scenes" / "far" / "result.json").read_text())
    assert "outside-site" in {flag["code"] for flag in result["flags"]}
    assert (result["berths"], result["site"]) == ([], None)
    assert result["detections"]
    assert json.loads((tmp_path / "out" / "visits.json").read_text())["visits"] == []
