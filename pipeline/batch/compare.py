"""What a change moved: two documents, number by number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_PICTURES = {"curve", "profile", "lines", "outline", "footprint", "software", "inputs", "bbox"}
"""Members that are drawn or hashed rather than read."""
_NAMES = ("id", "visit_id", "scene_id", "imo", "cue", "term", "year", "month", "date", "code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value that is not what it was; None where it was or is not there."""

    where: str
    before: str | float | bool | None
    after: str | float | bool | None


def compare(before: Any, after: Any) -> tuple[Change, ...]:
    """Every value of two JSON documents that differs, in the order of the later one."""
    old, new = dict(_leaves(before, "")), dict(_leaves(after, ""))
    order = [*new, *(where for where in old if where not in new)]
    return tuple(
        Change(where=where, before=old.get(where), after=new.get(where))
        for where in order
        if old.get(where) != new.get(where)
    )


def _leaves(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """(path, value) of every number, text and truth; records in a list go by their name."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in _PICTURES:
                yield from _leaves(item, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _leaves(item, f"{where}[{_name(item, position)}]")
    elif value is not None:
        yield where, value


def _name(item: Any, position: int) -> str:
    if isinstance(item, dict):
        for key in _NAMES:
            if item.get(key) is not None:
                return str(item[key])
    return str(position)
