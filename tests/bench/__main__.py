"""Every measured figure of the project: `PYTHONPATH=tests python -m bench [--only NAME]...`.

Each module offers `tables() -> list[Table]`. Tables go to stdout as they are ready, and after each module to
bench-out/bench.md and bench-out/bench.json; progress goes to stderr.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.table import Table, not_run

MODULES = (
    "bench_detect",
    "bench_fine",
    "bench_clouds",
    "bench_freeboard",
    "bench_load",
    "bench_sample",
    "bench_season",
    "bench_calls",
    "bench_simulate",
    "bench_speed",
)
OUT = Path("bench-out")


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 2 where a bench that was asked for is not there."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only",
        action="append",
        metavar="NAME",
        choices=[short(name) for name in MODULES] + list(MODULES),
        help="run this bench alone; repeatable: " + ", ".join(short(name) for name in MODULES),
    )
    asked = parser.parse_args(arguments).only
    chosen = MODULES if asked is None else tuple(m for m in MODULES if m in asked or short(m) in asked)
    there = [name for name in chosen if importlib.util.find_spec(f"bench.{name}") is not None]
    absent = [name for name in chosen if name not in there]
    for name in absent:
        say(f"{name}: no such module in tests/bench")
    if absent and asked is not None:
        return 2
    done: dict[str, list[Table]] = {}
    for name in there:
        say(f"{name} ...")
        start = time.perf_counter()
        done[name] = run(name)
        for table in done[name]:
            print(table.markdown(), flush=True)
        write(done)
        say(f"{name}: {time.perf_counter() - start:.1f} s")
    return 0


def short(name: str) -> str:
    """The name without its prefix."""
    return name.removeprefix("bench_")


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


def run(name: str) -> list[Table]:
    """A module's tables; where an extra is not installed, a table that says so."""
    try:
        found: list[Table] = importlib.import_module(f"bench.{name}").tables()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in ("bench", "pipeline"):
            raise
        return [not_run(short(name).capitalize(), f"the package {error.name} is not installed")]
    return found


def write(done: dict[str, list[Table]]) -> None:
    """Both files, with what there is so far."""
    OUT.mkdir(exist_ok=True)
    tables = [table for found in done.values() for table in found]
    (OUT / "bench.md").write_text("\n".join(t.markdown() for t in tables), encoding="utf-8")
    document = {short(name): [t.document() for t in found] for name, found in done.items()}
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (OUT / "bench.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
