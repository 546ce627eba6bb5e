"""The sample season (simulated) from files to barrels, against its truth."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SAMPLE = Path(__file__).resolve().parents[1] / "sample_scenes"


@dataclass(frozen=True)
class Ran:
    """The season as the main job left it."""

    code: int
    folder: Path
    visits: list[dict[str, Any]]
    volume: dict[str, Any]
    scenes: dict[str, dict[str, Any]]


def plimsoll(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=230, check=False)


def run(out: Path, *, jobs: int = 2) -> Ran:
    where = ("--site", SAMPLE / "site.geojson", "--fleet", SAMPLE / "fleet.csv", "--out", out)
    done = plimsoll("run", SAMPLE, *where, "--jobs", str(jobs))
    assert done.returncode in {0, 3}, done.stderr
    return Ran(
        code=done.returncode,
        folder=out,
        visits=json.loads((out / "visits.json").read_text())["visits"],
        volume=json.loads((out / "volume.json").read_text()),
        scenes={p.parent.name: json.loads(p.read_text()) for p in sorted(out.glob("scenes/*/result.json"))},
    )


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run(tmp_path_factory.mktemp("season") / "out")


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SAMPLE / "season.json").read_text())
    return document


def of_truth(season: Ran, truth: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The true visit of each visit that was found, by visit id."""
    found = {}
    for visit in season.visits:
        for true in truth["visits"]:
            if set(visit["scene_ids"]) & set(true["scenes"]):
                found[visit["visit_id"]] = true
    return found


def test_the_damaged_file_is_a_named_row_and_the_rest_is_done(season: Ran) -> None:
    assert season.code == 3
    assert len(season.scenes) == 20
    refused = {name: s["reason"] for name, s in season.scenes.items() if s["status"] == "refused"}
    assert set(refused) == {"sim-20250412-30-damaged"}
    assert refused["sim-20250412-30-damaged"]["code"] == "corrupt"


def test_every_clear_visit_is_found_and_none_invented(season: Ran, truth: dict[str, Any]) -> None:
    matched = of_truth(season, truth)
    assert len(season.visits) == len(matched) == len(truth["visits"])
    assert {true["visit"] for true in matched.values()} == {v["visit"] for v in truth["visits"]}
    for visit in season.visits:
        true = matched[visit["visit_id"]]
        assert set(visit["scene_ids"]) <= set(true["scenes"])
        assert visit["identity"][0]["imo"] == true["imo"]


def test_no_cargo_is_further_than_three_sigma(season: Ran, truth: dict[str, Any]) -> None:
    matched = of_truth(season, truth)
    measured = [v for v in season.visits if v["status"] == "measured"]
    assert len(measured) >= 2
    for visit in season.visits:
        cargo = visit["cargo_loaded"]
        assert abs(cargo["value"] - matched[visit["visit_id"]]["cargo"]) < 3 * cargo["sigma"]


def test_no_freeboard_is_further_than_three_sigma(season: Ran) -> None:
    measured = 0
    for name, scene in season.scenes.items():
        ships = json.loads((SAMPLE / name / "truth.json").read_text())["ships"]
        for ship in scene["detections"]:
            if ship["freeboard"] is None:
                continue
            (true,) = [t for t in ships if t.get("imo") is not None]
            found = ship["freeboard"]
            measured += 1
            assert abs(found["value"] - true["freeboard"]) < 3 * max(found["sigma"], 0.12), name
    assert measured >= 5


def test_the_truth_lies_inside_the_interval_of_what_was_seen(season: Ran, truth: dict[str, Any]) -> None:
    assert season.volume["visits"]["seen"] == len(truth["visits"])
    baseline = season.volume["barrels"]["baseline"]
    assert baseline["p05"] <= truth["barrels"] <= baseline["p95"]


def test_the_truth_lies_inside_the_interval_of_the_total(season: Ran, truth: dict[str, Any]) -> None:
    total = season.volume["barrels"]["total"]
    assert total["p05"] <= truth["barrels"] <= total["p95"]


def test_berths_are_never_empty_where_a_ship_lay(season: Ran) -> None:
    for name, scene in season.scenes.items():
        ships = json.loads((SAMPLE / name / "truth.json").read_text())["ships"]
        states = {b["id"]: b["state"] for b in scene["berths"]}
        for ship in ships:
            if ship.get("berth"):
                assert states[ship["berth"]] in {"occupied", "obscured"}, name
        if ships and all(t["hidden"] for t in ships):
            assert "clear-empty" not in states.values()
    hidden = [s for n, s in season.scenes.items() if n.startswith(("sim-20250325", "sim-20250328"))]
    assert len(hidden) == 2
    assert all(b["state"] == "obscured" for scene in hidden for b in scene["berths"])


def test_everything_says_simulated(season: Ran) -> None:
    assert season.volume["simulated"] is True
    assert all(s["simulated"] for s in season.scenes.values() if s["status"] == "ok")


@pytest.mark.slow
def test_jobs_change_no_byte(season: Ran, tmp_path: Path) -> None:
    alone = run(tmp_path / "out", jobs=1)
    for name in ("visits.json", "visits.csv", "volume.json"):
        assert (alone.folder / name).read_bytes() == (season.folder / name).read_bytes()
    for path in season.folder.glob("scenes/*/result.json"):
        twin = alone.folder / path.relative_to(season.folder)
        assert twin.read_bytes() == path.read_bytes(), path.parent.name
