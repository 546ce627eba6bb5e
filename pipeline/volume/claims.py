"""Figures that others gave, against one another: what cannot all hold, and where somebody was silent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import combinations

from pipeline.products import Claim, Contradiction

ROUNDED = 0.01
"""Figures closer than this are one figure, rounded: 105,845 and 105,841 barrels [1]."""
NOTIFIED = "-notified"
"""End of the scope of what suppliers themselves report: no measure of another's silence."""
ADD_UP = frozenset({"barrels", "calls"})
"""Quantities of a period that are the sum of those of its parts."""


def find_contradictions(claims: Sequence[Claim]) -> tuple[Contradiction, ...]:
    """What does not hold together, in the order of the claims.

    Claims are compared with those of the same quantity and scope. Of sums: a part is no more than the whole,
    and parts that fill the whole are as much as it. Of the rest: the same days, two figures. Somebody who
    reports nothing while others count is named as silent, not as having said nil.
    """
    found = []
    for first, second in combinations(claims, 2):
        if (first.quantity, first.scope) == (second.quantity, second.scope):
            message = _of_two(first, second)
            if message is not None:
                found.append(Contradiction(keys=(first.key, second.key), message=message))
    for claim in claims:
        found += _of_parts(claim, claims)
        found += _of_silence(claim, claims)
    return tuple(found)


def _of_two(first: Claim, second: Claim) -> str | None:
    """Where one says at least more than the other says at most, over days that meet."""
    for more, less in ((first, second), (second, first)):
        if more.low is None or less.high is None or more.low <= less.high * (1 + ROUNDED):
            continue
        gap = more.low - less.high
        said = f"{_say(more)} against {_say(less)}: {gap:,.0f} {more.quantity} apart"
        if (more.start, more.end) == (less.start, less.end):
            return said
        inside = less.start <= more.start and more.end <= less.end
        if more.quantity in ADD_UP and inside:
            return f"{said}, and the part is more than the whole"
        around = more.start <= less.start and less.end <= more.end
        if more.quantity in ADD_UP and around and _mostly(less, more):
            return f"{said}, unless as much fell outside {less.start} to {less.end}"
    return None


def _mostly(part: Claim, whole: Claim) -> bool:
    """Whether a part is two thirds of the whole's days or more."""
    return 3 * _days(part) >= 2 * _days(whole)


def _days(claim: Claim) -> int:
    return (date.fromisoformat(claim.end) - date.fromisoformat(claim.start)).days + 1


def _of_parts(whole: Claim, claims: Sequence[Claim]) -> list[Contradiction]:
    """Where claims that follow one another from its first day to its last add up to something else."""
    if whole.quantity not in ADD_UP or whole.low is None or whole.low != whole.high:
        return []
    shortest = sorted(claims, key=lambda c: c.end, reverse=True)
    exact = {
        c.start: c
        for c in shortest
        if (c.quantity, c.scope) == (whole.quantity, whole.scope)
        and c.key != whole.key
        and c.low is not None
        and c.low == c.high
        and c.start >= whole.start
        and c.end <= whole.end
        and (c.start, c.end) != (whole.start, whole.end)
    }
    parts: list[Claim] = []
    day = whole.start
    while day in exact:
        parts.append(exact[day])
        day = (date.fromisoformat(exact[day].end) + timedelta(days=1)).isoformat()
    if not parts or parts[-1].end != whole.end:
        return []
    total = sum(part.low or 0.0 for part in parts)
    if abs(total - whole.low) <= ROUNDED * max(total, whole.low):
        return []
    message = f"{_say(whole)}, but its {len(parts)} parts add up to {total:,.0f}"
    return [Contradiction(keys=(whole.key, *(part.key for part in parts)), message=message)]


def _of_silence(silent: Claim, claims: Sequence[Claim]) -> list[Contradiction]:
    """Where somebody said nothing of days on which others count something."""
    if silent.low is not None or silent.high is not None:
        return []
    counted = [
        c
        for c in claims
        if c.quantity == silent.quantity
        and not c.scope.endswith(NOTIFIED)
        and (c.low or 0.0) > 0
        and c.start <= silent.end
        and silent.start <= c.end
    ]
    if not counted:
        return []
    said = "; ".join(_say(c) for c in counted)
    message = f"{silent.source}: nothing reported from {silent.start}, while others count: {said}"
    return [Contradiction(keys=(silent.key, *(c.key for c in counted)), message=message)]


def _say(claim: Claim) -> str:
    """As "at least 165,000 barrels, 2024-03-01 to 2024-03-31 (US official)"."""
    low, high = _figure(claim.low), _figure(claim.high)
    if claim.low is None:
        figure = f"at most {high}" if claim.high is not None else "nothing said of"
    elif claim.high is None:
        figure = f"at least {low}"
    else:
        figure = low if low == high else f"{low} to {high}"
    return f"{figure} {claim.quantity}, {claim.start} to {claim.end} ({claim.source})"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:g}" if value < 100 else f"{value:,.0f}"
