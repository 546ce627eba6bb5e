"""A table of measured figures, for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """What one bench found; every row has a cell for each column."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]
    note: str = ""
    """How it was measured, on what, and what is missing."""

    def __post_init__(self) -> None:
        """Refuse ragged rows: a cell in the wrong column is a wrong figure."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: {len(row)} cells for {len(self.columns)} columns: {row}")

    def markdown(self) -> str:
        """Heading, note and table, padded so that it reads as plain text too."""
        cells = [self.columns, *(tuple(_text(cell) for cell in row) for row in self.rows)]
        widths = [max(len(row[k]) for row in cells) for k in range(len(self.columns))]
        numeric = [
            bool(self.rows) and all(isinstance(row[k], (int, float)) or row[k] is None for row in self.rows)
            for k in range(len(self.columns))
        ]
        lines = [
            "| "
            + " | ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(row, widths, numeric, strict=True)
            )
            + " |"
            for row in cells
        ]
        rules = [
            "-" * (width + 1) + (":" if right else "-") for width, right in zip(widths, numeric, strict=True)
        ]
        lines.insert(1, "|" + "|".join(rules) + "|")
        parts = [f"## {self.title}", *([self.note] if self.note else [])]
        if self.rows:
            parts.append("\n".join(lines))
        return "\n\n".join(parts) + "\n"

    def document(self) -> dict[str, object]:
        """The same as JSON holds it: numbers stay numbers, everything else is text."""
        return {
            "title": self.title,
            "note": self.note,
            "columns": list(self.columns),
            "rows": [[_plain(cell) for cell in row] for row in self.rows],
        }


def not_run(title: str, why: str) -> Table:
    """The table of a bench that could not be run: images that are not there, an extra not installed."""
    return Table(title=title, columns=("not run",), rows=[(why,)])


def _text(cell: object) -> str:
    """A cell in print: three significant digits, more only where they stand before the point."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if not isinstance(cell, float):
        return str(cell).replace("|", "\\|").replace("\n", " ")
    if cell != cell or abs(cell) >= 100:
        return f"{cell:.0f}"
    return f"{cell:.3g}" if abs(cell) < 10 else f"{cell:.1f}"


def _plain(cell: object) -> object:
    """A cell in JSON, which has no NaN."""
    if isinstance(cell, float) and (cell != cell or cell in (float("inf"), float("-inf"))):
        return None
    return cell if cell is None or isinstance(cell, (bool, int, float, str)) else str(cell)
