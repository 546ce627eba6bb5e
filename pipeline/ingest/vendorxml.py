"""Looking things up in vendors' XML by the local names of elements: prefixes and levels differ by version."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.errors import InputError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def local(element: Element) -> str:
    """Name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def find_all(root: Element, *names: str) -> Iterator[Element]:
    """Every element below `root` with one of these names, whatever their case, in document order."""
    wanted = {n.lower() for n in names}
    return (e for e in root.iter() if local(e).lower() in wanted)


def find(root: Element, *names: str) -> Element | None:
    """The first element with the first of `names` that is there."""
    for name in names:
        for element in find_all(root, name):
            return element
    return None


def text_of(root: Element, *names: str) -> str | None:
    """Text of the first element found that has any."""
    for name in names:
        for element in find_all(root, name):
            if element.text and element.text.strip():
                return element.text.strip()
    return None


def number_of(root: Element, *names: str, low: float = -1e12, high: float = 1e12) -> float | None:
    """Text of the first element found as a finite number within low..high; None where there is none.

    Raises
    ------
    InputError
        "metadata": it is something else.
    """
    text = text_of(root, *names)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise InputError(
            "metadata",
            f"{names[0]}: {text!r:.40}, expected a number from {low:g} to {high:g}",
            hint="mend the metadata",
        )
    return number
