"""Calls from any source as CSV: what others counted, read or assessed, without imagery. Line by line."""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final, Literal, cast, get_args

from pipeline.datatypes import Flag
from pipeline.errors import InputError
from pipeline.ingest.tables import read_table

Evidence = Literal["pair", "single-laden", "single-arrival", "part-loaded", "seen-only", "reported"]

COLUMNS: Final = (
    "visit_id", "site", "berth", "date", "calls", "ships", "imo", "name", "dwt_t", "capacity_t",
    "capacity_sigma_t", "fill", "fill_sigma", "draught_arrival_m", "draught_departure_m", "draught_sigma_m",
    "cargo_t", "cargo_sigma_t", "evidence", "source", "note",
)  # fmt: skip
_RANGES: Final = {
    "dwt_t": (10.0, 600_000.0),
    "capacity_t": (10.0, 600_000.0),
    "capacity_sigma_t": (0.0, 600_000.0),
    "fill": (0.0, 1.1),
    "fill_sigma": (0.0, 1.0),
    "draught_arrival_m": (0.5, 25.0),
    "draught_departure_m": (0.5, 25.0),
    "draught_sigma_m": (0.01, 5.0),
    "cargo_t": (0.0, 600_000.0),
    "cargo_sigma_t": (0.0, 600_000.0),
}
_UNITS: Final = {"t": "tonnes", "m": "metres", "": "a share of one, e.g. 0.9"}
_STEMS: Final = {c.rsplit("_", 1)[0]: c for c in _RANGES if c.endswith(("_t", "_m"))}
_MOST_CALLS: Final = 1000
_EARLIEST, _LATEST = date(1950, 1, 1), date(2100, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedCall:
    """One row: a call, or `calls` of them that nobody told apart. None = not said."""

    line: int
    """As a spreadsheet counts, the header being 1."""
    start: datetime
    end: datetime
    """When she left, at the latest; aware UTC."""
    calls: int = 1
    ships: int | None = None
    """How many different ships made the calls."""
    visit_id: str | None = None
    site: str | None = None
    berth: str | None = None
    imo: int | None = None
    name: str | None = None
    dwt: float | None = None
    """[t]"""
    capacity: float | None = None
    """Of cargo [t]."""
    capacity_sigma: float | None = None
    """[t]"""
    fill: float | None = None
    """Cargo over capacity [1]."""
    fill_sigma: float | None = None
    draught_arrival: float | None = None
    """[m]"""
    draught_departure: float | None = None
    """[m]"""
    draught_sigma: float | None = None
    """[m]"""
    cargo: float | None = None
    """[t]"""
    cargo_sigma: float | None = None
    """[t]"""
    evidence: Evidence = "reported"
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsFile:
    """What a file of calls holds, and what of it cannot be used."""

    name: str
    calls: tuple[ReportedCall, ...]
    refused: tuple[Flag, ...]
    """One a line that cannot be used: which column, found, expected."""
    notes: tuple[Flag, ...]
    """What was ignored, line by line."""


def read_calls(path: Path) -> CallsFile:
    """The calls of a CSV in the order of its lines; a bad line is named and does not stop the others.

    Raises
    ------
    UsageError
        No such file.
    InputError
        "visits": not a CSV, no date column, or a column in a unit that is not read (feet, kilotonnes).
    """
    name, rows, columns = read_table(path, "visits")
    if "date" not in columns:
        raise InputError("visits", f"{name}: no column date", hint=f"columns: {','.join(COLUMNS)}")
    for column in columns:
        stem = column.rsplit("_", 1)[0]
        if column not in COLUMNS and (column in _STEMS or stem in _STEMS):
            wanted = _STEMS.get(column) or _STEMS[stem]
            unit = _UNITS[wanted.rsplit("_", 1)[1]]
            raise InputError(
                "visits", f"{name}: column {column}: {unit} are read", hint=f"convert it and call it {wanted}"
            )
    notes = [
        Flag(code="column-ignored", message=f"{name}: column {column} is not read")
        for column in columns
        if column not in COLUMNS
    ]
    calls: list[ReportedCall] = []
    refused: list[Flag] = []
    for line, cells in rows:
        try:
            calls.append(_read_call(line, cells))
        except ValueError as error:
            refused.append(Flag(code="line-refused", message=f"{name} line {line}: {error}"))
    return CallsFile(
        name=name, calls=tuple(calls), refused=tuple(refused), notes=(*notes, *_repeats(name, calls))
    )


def _read_call(line: int, cells: Mapping[str | None, str]) -> ReportedCall:
    """One line.

    Raises
    ------
    ValueError
        What is wrong with it, in words.
    """
    if None in cells:
        raise ValueError("more cells than columns: quote a cell that holds a comma")
    start, end = read_period(cells.get("date", ""))
    values = {column: _number(column, cells.get(column, "")) for column in _RANGES}
    calls = _count("calls", cells.get("calls", "")) or 1
    ships = _count("ships", cells.get("ships", ""))
    imo, evidence = cells.get("imo", ""), cells.get("evidence", "") or "reported"
    if imo and not (imo.isascii() and imo.isdigit() and len(imo) == 7):
        raise ValueError(f"imo: {imo!r:.40}, expected seven digits")
    if evidence not in get_args(Evidence):
        raise ValueError(f"evidence: {evidence!r:.40}, expected one of {', '.join(get_args(Evidence))}")
    if ships is not None and ships > calls:
        raise ValueError(f"ships: {ships} ships cannot have made {calls} calls")
    if (imo or cells.get("name")) and (ships or 1) > 1:
        raise ValueError(f"ships: {ships} ships have one name")
    cargo, capacity = values["cargo_t"], values["capacity_t"] or values["dwt_t"]
    if cargo is not None and capacity is not None and cargo > 1.1 * capacity:
        raise ValueError(f"cargo_t: {cargo:g} t are more than she carries ({capacity:g} t)")
    return ReportedCall(
        line=line,
        start=start,
        end=end,
        calls=calls,
        ships=ships,
        visit_id=cells.get("visit_id") or None,
        site=cells.get("site") or None,
        berth=cells.get("berth") or None,
        name=cells.get("name") or None,
        imo=int(imo) if imo else None,
        dwt=values["dwt_t"],
        capacity=values["capacity_t"],
        capacity_sigma=values["capacity_sigma_t"],
        fill=values["fill"],
        fill_sigma=values["fill_sigma"],
        draught_arrival=values["draught_arrival_m"],
        draught_departure=values["draught_departure_m"],
        draught_sigma=values["draught_sigma_m"],
        cargo=values["cargo_t"],
        cargo_sigma=values["cargo_sigma_t"],
        evidence=cast(Evidence, evidence),
        source=cells.get("source", ""),
        note=cells.get("note", ""),
    )


def _number(column: str, cell: str) -> float | None:
    """A finite number within the range that its unit allows."""
    if not cell:
        return None
    low, high = _RANGES[column]
    unit = _UNITS[column.rsplit("_", 1)[1] if column.endswith(("_t", "_m")) else ""]
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if low <= value <= high:
        return value
    hint = ""
    if column == "fill" and high < value <= 110:
        hint = f"; {value:g} % is {value / 100:g}"
    elif not math.isfinite(value) and "," in cell:
        hint = "; the decimal sign is a point, and thousands are not grouped"
    raise ValueError(f"{column}: {cell!r:.40}, expected {unit}, {low:g} to {high:g}{hint}")


def _count(column: str, cell: str) -> int | None:
    if not cell:
        return None
    if not (cell.isascii() and cell.isdigit() and 1 <= int(cell) <= _MOST_CALLS):
        raise ValueError(f"{column}: {cell!r:.40}, expected a count of 1 to {_MOST_CALLS}")
    return int(cell)


def read_period(cell: str) -> tuple[datetime, datetime]:
    """(start, end) of a day, a month, a year, a moment, or of two of them with a slash between; aware UTC.

    Raises
    ------
    ValueError
        It is none of these in ISO 8601: 03/04/2024 is the third of April to some and March to others.
    """
    first, slash, last = cell.partition("/")
    if slash and not re.fullmatch(r"\d{4}(-.*)?", first.strip()):
        raise ValueError(f"date: {cell!r:.40}, expected e.g. 2024-03-07 (year first)")
    start, end = _moments(first.strip(), cell)
    if slash:
        end = _moments(last.strip(), cell)[1]
    if end < start:
        raise ValueError(f"date: {cell!r:.40} ends before it begins")
    if not _EARLIEST <= start.date() <= end.date() <= _LATEST:
        raise ValueError(f"date: {cell!r:.40} is not between {_EARLIEST.year} and {_LATEST.year}")
    return start, end


def _moments(text: str, cell: str) -> tuple[datetime, datetime]:
    """First and last moment that a date means."""
    whole = re.fullmatch(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", text)
    try:
        if whole is None:
            moment = datetime.fromisoformat(text if re.match(r"\d{4}-\d\d-\d\d[T ]", text) else "no")
            moment = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
            return moment, moment
        year, month, day = (int(part) if part else 0 for part in whole.groups())
        first = date(year, month or 1, day or 1)
        last = date(year, month or 12, day or calendar.monthrange(year, month or 12)[1])
    except ValueError as error:
        raise ValueError(
            f"date: {cell!r:.40}, expected e.g. 2024-03-07, 2024-03, 2024-03-07/2024-03-31, 2024-03-07T10:00Z"
        ) from error
    start = datetime.combine(first, time(), tzinfo=UTC)
    return start, datetime.combine(last, time(), tzinfo=UTC) + timedelta(days=1) - timedelta(seconds=1)


def _repeats(name: str, calls: list[ReportedCall]) -> list[Flag]:
    """Lines that may tell of one call twice, put one ship in two places, or give one number two names."""
    flags = []
    named = [c for c in calls if (c.imo or c.name) and c.calls == 1]
    for i, call in enumerate(named):
        for earlier in named[:i]:
            if call.imo != earlier.imo or (call.imo is None and call.name != earlier.name):
                continue
            lines = f"{name} lines {earlier.line} and {call.line}"
            who = call.name or earlier.name or f"IMO {call.imo}"
            if call.name and earlier.name and call.name != earlier.name:
                message = f"{lines}: IMO {call.imo} is {earlier.name} and {call.name}; taken for one ship"
                flags.append(Flag(code="two-names", message=message))
            if call.start <= earlier.end and earlier.start <= call.end:
                where = "" if call.berth == earlier.berth else ", at two berths"
                message = f"{lines}: {who} at the same time{where}; both are counted"
                flags.append(Flag(code="same-ship-same-time", message=message))
    return flags
