"""CSV from outside: opened once, in one way, for registers, calls and claims."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Final

from pipeline.errors import InputError, UsageError

Cells = dict[str | None, str]
"""By column, stripped; what is beyond the columns is under None."""
_MAX_BYTES: Final = 16 * 2**20


def read_table(path: Path, code: str) -> tuple[str, list[tuple[int, Cells]], list[str]]:
    """(file name, rows as (line, cells), columns) of a CSV; cells beyond the columns are under None.

    Raises
    ------
    UsageError
        No such file.
    InputError
        `code`: it cannot be read as UTF-8 CSV.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file", hint="name a CSV")
    if path.stat().st_size > _MAX_BYTES:
        raise InputError(code, f"{path.name}: larger than {_MAX_BYTES >> 20} MiB", hint="one row a line")
    try:
        text = path.read_text(encoding="utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        columns = [c.strip() for c in reader.fieldnames or ()]
        reader.fieldnames = columns
        rows: list[tuple[int, Cells]] = []
        for row in reader:
            inside = sum(str(cell).count("\n") for cell in row.values())  # of cells over several lines
            extra = row.pop(None, None)
            cells: Cells = {k: (v or "").strip() for k, v in row.items()}
            if extra:
                cells[None] = "more cells than columns"
            rows.append((reader.line_num - inside, cells))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            code, f"{path.name}: not readable as CSV: {error}", hint="save it as UTF-8 CSV"
        ) from error
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t"):
        raise InputError(
            code, f"{path.name}: columns are not separated by commas", hint="save it with commas"
        )
    if len(set(columns)) < len(columns):
        twice = next(c for c in columns if columns.count(c) > 1)
        raise InputError(code, f"{path.name}: column {twice!r} is there twice", hint="one name a column")
    return path.name, rows, columns
