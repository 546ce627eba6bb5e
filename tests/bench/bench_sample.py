"""The sample season (simulated) from files to barrels, against its truth."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.table import Table

SAMPLE = Path(__file__).resolve().parents[2] / "sample_scenes"


def _run(out: Path) -> None:
    where = ["--site", SAMPLE / "site.geojson", "--fleet", SAMPLE / "fleet.csv", "--out", out]
    command = [sys.executable, "-m", "pipeline.cli", "run", SAMPLE, *where]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode not in {0, 3}:
        raise RuntimeError(f"plimsoll run ended with {done.returncode}: {done.stderr}")


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def freeboards(out: Path) -> Table:
    """Every look at a ship of the register at 0.5 m."""
    rows: list[tuple[object, ...]] = []
    errors = []
    for path in sorted(out.glob("scenes/*-05/result.json")):
        scene = _read(path)
        (true,) = [t for t in _read(SAMPLE / path.parent.name / "truth.json")["ships"] if t.get("imo")] or [
            None
        ]
        if true is None:
            continue
        found = max(scene["detections"], key=lambda d: float(d["length"]), default=None)
        ours = None if found is None else found["freeboard"]
        if ours is None:
            reason = "not found" if found is None else found["not_measurable"]["code"]
            rows.append((scene["scene_id"], f"{true['freeboard']:.2f}", reason, ""))
            continue
        error = ours["value"] - true["freeboard"]
        errors.append(error)
        value = f"{ours['value']:.2f} +- {ours['sigma']:.2f}"
        rows.append((scene["scene_id"], f"{true['freeboard']:.2f}", value, f"{error / ours['sigma']:+.1f}"))
    mean = f"{len(errors)} of {len(rows)} measured, mean absolute error {np.mean(np.abs(errors)):.2f} m"
    columns = ("scene", "true freeboard [m]", "ours [m]", "off by [sigma]")
    return Table("Simulated: the sample season's freeboards", columns, rows, mean)


def visits(out: Path) -> Table:
    """Visits, cargo and barrels."""
    truth, volume = _read(SAMPLE / "season.json"), _read(out / "volume.json")
    rows: list[tuple[object, ...]] = []
    matched = set()
    for visit in _read(out / "visits.json")["visits"]:
        true = next((t for t in truth["visits"] if set(t["scenes"]) & set(visit["scene_ids"])), None)
        cargo = visit["cargo_loaded"]
        ours = f"{cargo['value']:,.0f} +- {cargo['sigma']:,.0f}"
        if true is None:
            rows.append((visit["visit_id"], "invented", ours, ""))
            continue
        matched.add(true["visit"])
        off = (cargo["value"] - true["cargo"]) / cargo["sigma"]
        rows.append((visit["visit_id"], f"{true['cargo']:,.0f}", ours, f"{off:+.1f}"))
    rows += [
        (t["visit"], f"{t['cargo']:,.0f}", "missed", "") for t in truth["visits"] if t["visit"] not in matched
    ]
    for name in ("baseline", "total"):
        q = volume["barrels"][name]
        ours = f"{q['p50']:,.0f} ({q['p05']:,.0f} to {q['p95']:,.0f})"
        rows.append((f"{name}, barrels", f"{truth['barrels']:,.0f}", ours, ""))
    columns = ("visit", "true cargo [t]", "ours [t]", "off by [sigma]")
    return Table("Simulated: the sample season's visits and barrels", columns, rows)


def tables() -> list[Table]:
    """Freeboards, then visits and barrels."""
    with tempfile.TemporaryDirectory(prefix="plimsoll-bench-") as folder:
        out = Path(folder) / "out"
        _run(out)
        return [freeboards(out), visits(out)]
