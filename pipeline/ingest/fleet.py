"""The register of ships from CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

from pipeline.datatypes import Ship
from pipeline.errors import InputError, UsageError
from pipeline.resources import find_resource

COLUMNS: Final = (
    "imo", "name", "former_names", "flag", "ship_type", "dwt", "loa", "beam", "depth", "summer_draught",
    "built", "un_designated", "un_designation_date", "source",
)  # fmt: skip
_RANGES: Final = {
    "dwt": (10.0, 600_000.0, "t"),
    "loa": (10.0, 500.0, "m"),
    "beam": (2.0, 80.0, "m"),
    "depth": (1.0, 50.0, "m"),
    "summer_draught": (0.5, 40.0, "m"),
}
_YES, _NO = ("yes", "true", "1", "y"), ("no", "false", "0", "n", "")
_MAX_BYTES: Final = 16 * 2**20


def read_fleet(path: Path | None) -> tuple[Ship, ...]:
    """The ships of a CSV in the order of its rows; None = the register of `models/fleet/`. Empty = unknown.

    Raises
    ------
    UsageError
        No such file.
    InputError
        "fleet": the message names row and column.
    """
    source = path if path is not None else find_resource("models") / "fleet" / "register.csv"
    if not source.is_file():
        raise UsageError(f"{source}: no such file", hint="give a CSV with --fleet")
    if source.stat().st_size > _MAX_BYTES:
        raise InputError("fleet", f"{source.name}: larger than {_MAX_BYTES >> 20} MiB", hint="one ship a row")
    try:
        text = source.read_text(encoding="utf-8-sig")
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        columns = [c.strip() for c in rows.fieldnames or ()]
        rows.fieldnames = columns
        missing = [c for c in ("imo", "name") if c not in columns]
        if missing:
            raise InputError(
                "fleet",
                f"{source.name}: no column {', '.join(missing)}",
                hint=f"columns: {','.join(COLUMNS)}",
            )
        ships = tuple(_read_ship(source.name, number, row) for number, row in enumerate(rows, start=2))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            "fleet", f"{source.name}: not readable as CSV: {error}", hint="save it as UTF-8 CSV"
        ) from error
    numbers = [s.imo for s in ships if s.imo is not None]
    if len(set(numbers)) < len(numbers):
        twice = next(n for n in numbers if numbers.count(n) > 1)
        raise InputError("fleet", f"{source.name}: IMO {twice} is there twice", hint="one ship a row")
    return ships


def _read_ship(name: str, number: int, row: Mapping[str | None, str | list[str] | None]) -> Ship:
    """One row; `number` is its line as a spreadsheet counts."""
    if None in row:
        raise InputError(
            "fleet", f"{name} row {number}: more cells than columns", hint="quote cells that hold a comma"
        )
    cells = {str(k): v.strip() for k, v in row.items() if isinstance(v, str)}

    def fault(column: str, expected: str) -> InputError:
        return InputError(
            "fleet", f"{name} row {number}, {column}: {cells.get(column, '')!r:.40}, expected {expected}"
        )

    def measure(column: str) -> float | None:
        if not cells.get(column):
            return None
        low, high, unit = _RANGES[column]
        try:
            value = float(cells[column])
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise fault(column, f"{low:g} to {high:g} {unit}")
        return value

    def text(column: str) -> str | None:
        return cells.get(column) or None

    if not cells.get("name"):
        raise fault("name", "a name")
    imo, built, designated = cells.get("imo"), cells.get("built"), cells.get("un_designated", "").lower()
    if imo and not (imo.isascii() and imo.isdigit() and len(imo) == 7):
        raise fault("imo", "seven digits")
    if built and not (built.isascii() and built.isdigit() and 1850 <= int(built) <= 2100):
        raise fault("built", "a year")
    if designated not in _YES + _NO:
        raise fault("un_designated", "yes or no")
    day = text("un_designation_date")
    if day is not None:
        try:
            date.fromisoformat(day)
        except ValueError as error:
            raise fault("un_designation_date", "a date, e.g. 2018-03-30") from error
    return Ship(
        imo=int(imo) if imo else None,
        name=cells["name"],
        former_names=text("former_names"),
        flag=text("flag"),
        ship_type=text("ship_type"),
        dwt=measure("dwt"),
        loa=measure("loa"),
        beam=measure("beam"),
        depth=measure("depth"),
        summer_draught=measure("summer_draught"),
        built=int(built) if built else None,
        un_designated=designated in _YES,
        un_designation_date=day,
        source=text("source"),
    )
