"""Every look at a visit's berth around it, by outcome, as a strip for print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from pipeline.products import SceneResult, Visit
from pipeline.render import words
from pipeline.render.palette import INK, MUTED, RULE, WHITE
from pipeline.render.pdf import BLUE, BLUE_SOFT, GREEN, REGULAR, colour, printable

_AROUND: Final = timedelta(days=4)
"""Looks that are shown before she came and after she left."""
_EDGE: Final = 6.0
Place = Callable[[datetime], float]
"""A time to its x [pt]."""


def draw_strip(visit: Visit, results: Sequence[SceneResult], width: float) -> Any:
    """A drawing of 50 pt: the visit's windows above, the looks below, a word on what they are."""
    from reportlab.graphics.shapes import Drawing, Line, Rect, String

    early, late = visit.arrival_window, visit.departure_window
    end = late[1] or late[0]
    span = early[0] - _AROUND, end + _AROUND
    whole = (span[1] - span[0]).total_seconds()

    def x(when: datetime) -> float:
        share = (when - span[0]).total_seconds() / whole
        return _EDGE + (width - 2 * _EDGE) * min(max(share, 0.0), 1.0)

    drawing = Drawing(width, 50)
    wide, sure = x(end) - x(early[0]), max(x(late[0]) - x(early[1]), 2.0)
    drawing.add(Rect(x(early[0]), 26, wide, 10, fillColor=colour(BLUE_SOFT), strokeColor=None))
    drawing.add(Rect(x(early[1]), 26, sure, 10, fillColor=colour(BLUE), strokeColor=None))
    drawing.add(Line(_EDGE, 22, width - _EDGE, 22, strokeColor=colour(RULE), strokeWidth=0.5))
    _add_dates(drawing, x, (span[0], early[1], late[0], span[1]))
    looks = [(when, state) for when, state in looks_at(visit.berth_id, results) if span[0] <= when <= span[1]]
    for when, state in looks:
        _add_look(drawing, x(when), state)
    counts = Counter(state for _, state in looks)
    said = ", ".join(f"{n} {words.OUTCOME[s]}" for s, n in sorted(counts.items()))
    key = (
        "dark: alongside for certain; light: may have been; dot: occupied, ring: clear and empty, x: obscured"
    )
    text = printable(f"{key}; {said or 'no look shows the berth'}")
    drawing.add(String(_EDGE, 3, text, fontName=REGULAR, fontSize=6.4, fillColor=colour(MUTED)))
    return drawing


def looks_at(berth_id: str | None, results: Sequence[SceneResult]) -> list[tuple[datetime, str]]:
    """(time, outcome) of every look that imaged a berth."""
    return [
        (result.datetime, state.state)
        for result in results
        for state in result.berths
        if result.datetime is not None and state.id == berth_id and state.state != "not-imaged"
    ]


def _add_dates(drawing: Any, x: Place, times: tuple[datetime, datetime, datetime, datetime]) -> None:
    """The ends, and between them what has room."""
    from reportlab.graphics.shapes import Line, String

    named, last = x(times[0]), x(times[3])
    for at, anchor in zip(times, ("start", "middle", "middle", "end"), strict=True):
        if anchor == "middle" and (x(at) - named < 62 or last - x(at) < 70):
            continue
        named = x(at)
        text = String(named, 40, f"{at:%d %b %H:%M}", fontName=REGULAR, fontSize=6.2, textAnchor=anchor)
        text.fillColor = colour(MUTED)
        drawing.add(text)
        drawing.add(Line(named, 14, named, 38, strokeColor=colour(RULE), strokeWidth=0.4))


def _add_look(drawing: Any, x: float, state: str) -> None:
    from reportlab.graphics.shapes import Circle, Line

    if state == "obscured":
        for dx in (-2.4, 2.4):
            drawing.add(Line(x - dx, 15.6, x + dx, 20.4, strokeColor=colour(MUTED), strokeWidth=0.9))
        return
    fill, edge = (INK, INK) if state == "occupied" else (WHITE, GREEN)
    drawing.add(Circle(x, 18, 2.5, fillColor=colour(fill), strokeColor=colour(edge), strokeWidth=0.9))
