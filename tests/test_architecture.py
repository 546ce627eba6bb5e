"""The arrows between the modules: base <- stages <- run <- batch <- cli; no stage imports a stage."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "pipeline"
BASE = {"errors", "constants", "datatypes", "readings", "bulwarks", "config", "geometry", "resources"} | {
    "products"
}
STAGES = {"clouds", "detect", "freeboard", "load", "visits", "volume"}
DOORS = {"ingest", "store", "render"}
RANK = (
    dict.fromkeys(BASE, 0)
    | dict.fromkeys(STAGES | DOORS | {"simulate"}, 1)
    | {
        "pieces": 1,
        "tiles": 2,
        "desk": 2,
        "plan": 2,
        "look": 3,
        "signatures": 2,
        "run": 4,
        "batch": 5,
        "cli": 6,
    }
)
FILES = sorted(PACKAGE.rglob("*.py"))
FILE_LIBRARIES = {"rasterio": {"ingest", "store", "simulate"}, "pyogrio": {"store"}}


def part_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> list[str]:
    """Every module named in an import anywhere in the file."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.append(node.module or "")
            if node.module == "pipeline":
                names += [f"pipeline.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    here = part_of(path)
    for name in imported(path):
        pieces = name.split(".")
        if pieces[0] != "pipeline" or len(pieces) == 1 or pieces[1] in {"__version__", here}:
            continue
        there = pieces[1]
        assert there in RANK, f"{here} imports {name}, which has no place in the layout"
        allowed = RANK[there] < RANK[here] or (RANK[here] == 0 and RANK[there] == 0)
        assert allowed, f"{here} imports {there}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_are_opened_at_the_doors_only(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}
    for library, doors in FILE_LIBRARIES.items():
        assert library not in roots or part_of(path) in doors, f"{library} in {path.name}"
    if part_of(path) in STAGES:
        assert not roots & {"sqlite3", "logging", "pathlib", "os", "time", "random", "urllib", "socket"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500


def test_every_part_has_a_place() -> None:
    parts = {part_of(p) for p in FILES} - {"__init__"}
    assert parts <= set(RANK), f"no place in the layout: {parts - set(RANK)}"
