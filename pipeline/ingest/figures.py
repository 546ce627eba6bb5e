"""Claims from CSV: figures that others gave, each with its source."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from pipeline.errors import InputError
from pipeline.ingest.calls import read_period
from pipeline.ingest.tables import read_table
from pipeline.products import Claim

COLUMNS: Final = ("key", "period", "quantity", "scope", "low", "high", "source", "note")
QUANTITIES: Final = get_args(get_type_hints(Claim)["quantity"])


def read_claims(path: Path) -> tuple[Claim, ...]:
    """The claims of a CSV in the order of its lines.

    Raises
    ------
    UsageError
        No such file.
    InputError
        "claims": the message names line and column.
    """
    name, rows, columns = read_table(path, "claims")
    missing = [c for c in COLUMNS[:-1] if c not in columns]
    if missing:
        raise InputError(
            "claims", f"{name}: no column {', '.join(missing)}", hint=f"columns: {','.join(COLUMNS)}"
        )
    claims = []
    for line, cells in rows:
        try:
            claims.append(_read_claim(cells))
        except ValueError as error:
            raise InputError(
                "claims", f"{name} line {line}: {error}", hint="each claim has a source"
            ) from error
    keys = [claim.key for claim in claims]
    if len(set(keys)) < len(keys):
        twice = next(k for k in keys if keys.count(k) > 1)
        raise InputError("claims", f"{name}: key {twice!r} is there twice", hint="one claim a line")
    return tuple(claims)


def _read_claim(cells: Mapping[str | None, str]) -> Claim:
    """One line.

    Raises
    ------
    ValueError
        What is wrong with it, in words.
    """
    if None in cells:
        raise ValueError("more cells than columns: quote a cell that holds a comma")
    for column in ("key", "scope", "source"):
        if not cells[column]:
            raise ValueError(f"{column}: empty")
    quantity: Any = cells["quantity"]
    if quantity not in QUANTITIES:
        raise ValueError(f"quantity: {quantity!r:.40}, expected one of {', '.join(QUANTITIES)}")
    start, end = read_period(cells["period"])
    low, high = _bound("low", cells["low"]), _bound("high", cells["high"])
    if low is not None and high is not None and low > high:
        raise ValueError(f"low: {low:g} is more than high, {high:g}")
    return Claim(
        key=cells["key"],
        start=start.date().isoformat(),
        end=end.date().isoformat(),
        quantity=quantity,
        scope=cells["scope"],
        low=low,
        high=high,
        source=cells["source"],
        note=cells.get("note", ""),
    )


def _bound(column: str, cell: str) -> float | None:
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError(f"{column}: {cell!r:.40}, expected a number, nil or more")
    return value
