"""The register of ships from CSV."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

from pipeline.constants import SEA_WATER_DENSITY
from pipeline.datatypes import Flag, Ship
from pipeline.errors import InputError
from pipeline.ingest.tables import read_table
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
_MOST_NAMED: Final = 12
_FULLEST: Final = 0.85
"""Deadweight over the box of length over all, beam and summer draught: no tanker carries more [1]."""


def read_fleet(path: Path | None) -> tuple[Ship, ...]:
    """The ships of a CSV in the order of its rows; None = the register of `models/fleet/`. Empty = unknown.

    Raises
    ------
    UsageError
        No such file.
    InputError
        "fleet": the message names every bad row with its column.
    """
    return read_register(path)[0]


def read_register(path: Path | None) -> tuple[tuple[Ship, ...], tuple[Flag, ...]]:
    """The same, with a note on each row whose particulars cannot all be true.

    Those of them that contradict one another are left unknown, which widens the interval; the row stays.

    Raises
    ------
    As `read_fleet`.
    """
    source = path if path is not None else find_resource("models") / "fleet" / "register.csv"
    name, rows, columns = read_table(source, "fleet")
    missing = [c for c in ("imo", "name") if c not in columns]
    if missing:
        hint = f"columns: {','.join(COLUMNS)}"
        raise InputError("fleet", f"{name}: no column {', '.join(missing)}", hint=hint)
    ships: list[Ship] = []
    notes: list[Flag] = []
    faults: list[str] = []
    by_imo: dict[int, int] = {}
    for number, cells in rows:
        try:
            ship = _read_ship(cells)
        except ValueError as error:
            faults.append(f"row {number}{error}")
            continue
        if ship.imo is not None and by_imo.setdefault(ship.imo, number) != number:
            faults.append(f"row {number}: IMO {ship.imo} is there twice, first in row {by_imo[ship.imo]}")
        ship, doubts = without_impossible(ship)
        notes += [Flag(code="impossible", message=f"{name} row {number}, {ship.name}: {d}") for d in doubts]
        ships.append(ship)
    if faults:
        more = f"; and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
        raise InputError(
            "fleet", f"{name} {'; '.join(faults[:_MOST_NAMED])}{more}", hint="one ship a row, empty = unknown"
        )
    return tuple(ships), tuple(notes)


def without_impossible(ship: Ship) -> tuple[Ship, list[str]]:
    """The ship without the particulars that contradict one another, and a word on each."""
    doubts: list[str] = []

    def drop(why: str, *names: str) -> None:
        nonlocal ship
        doubts.append(f"{why}; {' and '.join(names)} left unknown")
        ship = replace(ship, **dict.fromkeys(names))  # type: ignore[arg-type]

    if ship.summer_draught is not None and ship.depth is not None and ship.summer_draught >= ship.depth:
        why = f"a summer draught of {ship.summer_draught:g} m in a hull {ship.depth:g} m deep"
        drop(why, "depth", "summer_draught")
    if ship.loa is not None and ship.beam is not None and not 3.0 <= ship.loa / ship.beam <= 12.0:
        drop(f"a length of {ship.loa:g} m to a beam of {ship.beam:g} m", "loa", "beam")
    if ship.depth is not None and ship.beam is not None and ship.depth > ship.beam:
        drop(f"a hull {ship.depth:g} m deep and {ship.beam:g} m wide", "depth", "beam")
    if None not in (ship.dwt, ship.loa, ship.beam, ship.summer_draught):
        box = SEA_WATER_DENSITY / 1000 * (ship.loa or 0) * (ship.beam or 0) * (ship.summer_draught or 0)
        if (ship.dwt or 0) > _FULLEST * box:
            drop(f"{ship.dwt:g} t of deadweight on {box:.0f} t of a box round her", "dwt")
    if ship.un_designation_date is not None and not ship.un_designated:
        doubts.append("a date of designation, but un_designated is not yes; taken as not listed")
    return ship, doubts


def _read_ship(cells: Mapping[str | None, str]) -> Ship:
    """One row.

    Raises
    ------
    ValueError
        What is wrong, to be put behind the number of the row.
    """
    if None in cells:
        raise ValueError(": more cells than columns, quote a cell that holds a comma")

    def fault(column: str, expected: str) -> ValueError:
        return ValueError(f", {column}: {cells.get(column, '')!r:.40}, expected {expected}")

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
    imo, built = cells.get("imo"), cells.get("built")
    designated = cells.get("un_designated", "").lower()
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
