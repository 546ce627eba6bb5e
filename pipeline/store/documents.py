"""Records to JSON and back: one layout, one rounding, the same bytes for the same record.

Numbers are rounded here and nowhere else: 6 significant digits, 7 decimals for positions (a centimetre),
3 decimals for log likelihoods. What is computed later starts from what was written, so that a season redone
from the store has the bytes of one computed in a single run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Record = TypeVar("Record")

_DECIMALS = {"coordinates": 7, "points": 7, "outline": 7, "footprint": 7, "log_likelihood": 3}
"""Members whose numbers are rounded to decimals rather than to significant digits."""
_SIGNIFICANT = 6


def round_number(value: float, decimals: int | None = None) -> float:
    """`value` as it is written: to `decimals`, or to six significant digits; never -0.

    Raises
    ------
    ValueError
        Not finite: a stage let a NaN or an infinity through, and JSON has neither.
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be written")
    rounded = round(value, decimals) if decimals is not None else float(f"{value:.{_SIGNIFICANT}g}")
    return rounded + 0.0  # -0.0 + 0.0 is 0.0


def format_time(time: datetime) -> str:
    """RFC 3339 in UTC with Z; fractions of a second only where there are any."""
    if time.tzinfo is None:
        raise ValueError(f"{time} carries no time zone")
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def to_plain(value: object, *, member: str = "") -> Any:
    """`value` as dicts, lists, strings, numbers, booleans and None, rounded."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, datetime):
        return format_time(value)
    if is_dataclass(value):
        return {f.name: to_plain(getattr(value, f.name), member=f.name) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item, member=str(key)) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [to_plain(item, member=member) for item in value]
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) or hasattr(value, "__float__"):
        return round_number(float(value), _DECIMALS.get(member))
    raise TypeError(f"{type(value).__name__} cannot be written in {member!r}")


def _layout(value: Any, indent: str) -> str:
    """JSON with a line for each member of an object, and lists of numbers on one line."""
    inner = indent + "  "
    if isinstance(value, dict) and value:
        members = [
            f"{inner}{json.dumps(k, ensure_ascii=False)}: {_layout(v, inner)}" for k, v in value.items()
        ]
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "[\n" + ",\n".join(inner + _layout(item, inner) for item in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def plain_to_json(plain: Any) -> str:
    """JSON text of plain values, UTF-8, ending in a newline."""
    return _layout(plain, "") + "\n"


def to_json(record: object) -> str:
    """JSON text of a record."""
    return plain_to_json(to_plain(record))


@lru_cache(maxsize=32)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def from_json(kind: type[Record], text: str | bytes) -> Record:
    """The record that `text` holds.

    Raises
    ------
    ValueError
        It is not JSON, or not of this record (pydantic's `ValidationError` is a ValueError).
    """
    hashable: Any = kind
    record: Record = _adapter(hashable).validate_json(text)
    return record
