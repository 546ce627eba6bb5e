"""Two more charts of the report: what each visit loaded, and the calendar of what could be seen."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from pipeline.products import Visit, VisitBarrels
from pipeline.render import words
from pipeline.render.insets import ticks
from pipeline.render.season import DayState
from pipeline.render.svg import WIDTH, draw_line, draw_rect, draw_svg, draw_text, say

_ROW: Final = 22.0
_CELL: Final = 27.0
_ROOM: Final = 14.0
"""Between a chart and its axis."""


def load_chart(visits: Sequence[Visit], barrels: Mapping[str, VisitBarrels]) -> str:
    """A row a visit: barrels with their 90 % interval, the fill on departure beside them."""
    shown = [(visit, barrels[visit.visit_id].barrels) for visit in visits if visit.visit_id in barrels]
    if not shown:
        return ""
    left, right, top = 330.0, WIDTH - 130.0, 8.0
    bottom = top + _ROW * len(shown)
    highest = max(q.p95 for _, q in shown) * 1.03 or 1.0

    def x(value: float) -> float:
        return left + (right - left) * value / highest

    body = []
    for value in ticks(0.0, highest, 7):
        body.append(draw_line(x(value), top, x(value), bottom, "grid"))
        body.append(draw_text(x(value), bottom + 16, words.grouped(value), kind="tick", anchor="middle"))
    for number, (visit, q) in enumerate(shown):
        y = top + _ROW * (number + 0.5)
        name = draw_text(0, y + 4, f"{visit.visit_id}, {_who(visit)}"[:52], kind="row")
        body.append(f'<a href="#{say(visit.visit_id)}">{name}</a>')
        title = f"{visit.visit_id}: {words.two_figures(q.p50)} barrels"
        box = draw_rect(
            x(q.p05), y - 6, max(x(q.p95) - x(q.p05), 2.0), 12, f"interval {visit.status}", title=title
        )
        body += [box, draw_line(x(q.p50), y - 9, x(q.p50), y + 9, f"mark {visit.status}")]
        body.append(draw_text(right + _ROOM, y + 4, _fill(visit), kind="tick"))
    body += [
        draw_line(left, top, left, bottom, "axis"),
        draw_text(right + _ROOM, bottom + 16, "barrels", kind="tick"),
    ]
    return draw_svg(bottom + 24, "Barrels by visit", f"{len(shown)} visits with their 90 % intervals", body)


def _who(visit: Visit) -> str:
    first = visit.identity[0] if visit.identity else None
    if first is None or first.name is None:
        return "ship not known"
    if "identity-signed" in visit.flags:
        return f"{first.name} (signed)"
    if visit.evidence == "reported":
        return first.name
    return f"{first.name}? {words.percent(first.probability)}"


def _fill(visit: Visit) -> str:
    if visit.departure is None:
        return visit.status
    return f"{100 * visit.departure.fraction:.0f} % full" + (
        "" if visit.status == "measured" else ", imputed"
    )


def calendar(days: Mapping[date, DayState], visits: Sequence[Visit]) -> str:
    """A row a month, a cell a day: seen, hidden by cloud, or not looked at; a bar where a ship lay."""
    if not days:
        return ""
    months = sorted({(day.year, day.month) for day in days})
    alongside = {day for visit in visits for day in days if _lay(visit, day)}
    left, top = 96.0, 22.0
    body = []
    for number in range(1, 32):
        at = left + _CELL * (number - 0.5)
        body.append(draw_text(at, 14, f"{number}", kind="tick", anchor="middle"))
    for row, (year, month) in enumerate(months):
        y = top + _CELL * row
        body.append(draw_text(0, y + 18, f"{date(year, month, 1):%b %Y}", kind="name"))
        mine = [date(year, month, n) for n in range(1, monthrange(year, month)[1] + 1)]
        for day in mine:
            if day in days:
                body += _day(day, days[day], left, y, lay=day in alongside)
        seen = sum(days.get(day) == "seen" for day in mine)
        hidden = sum(days.get(day) == "hidden" for day in mine)
        body.append(draw_text(left + 31 * _CELL + 10, y + 18, f"{seen} seen, {hidden} hidden", kind="tick"))
    counts = {state: sum(s == state for s in days.values()) for state in ("seen", "hidden", "no-look")}
    said = (
        f"{counts['seen']} days seen, {counts['hidden']} hidden by cloud, {counts['no-look']} without a look"
    )
    return draw_svg(top + _CELL * len(months) + 6, "Calendar of looks", said, body)


def _lay(visit: Visit, day: date) -> bool:
    """Whether she lay there for certain on some of the day: from the first look with her to the last."""
    return visit.arrival_window[1].date() <= day <= visit.departure_window[0].date()


def _day(day: date, state: DayState, left: float, y: float, *, lay: bool) -> list[str]:
    kinds = {"seen": "day-seen", "hidden": "day-hidden", "no-look": "day-none"}
    said = {"seen": "a clear look", "hidden": "hidden by cloud", "no-look": "no look"}[state]
    x = left + _CELL * (day.day - 1)
    title = f"{day}: {said}" + (", a ship alongside" if lay else "")
    cell = [draw_rect(x + 1, y + 1, _CELL - 2, _CELL - 2, f"cell {kinds[state]}", title=title)]
    if lay:
        cell.append(draw_rect(x + 1, y + _CELL - 8, _CELL - 2, 5, "stay measured"))
    return cell
