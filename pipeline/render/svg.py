"""The charts of the report as inline SVG: no script, no font, nothing fetched; every text is escaped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from html import escape
from typing import Final

from pipeline.products import CapYear, Quantiles, Visit
from pipeline.render import words
from pipeline.render.insets import ticks
from pipeline.render.season import BerthRow, DayState, Step

WIDTH: Final = 1080
_LEFT: Final = 186
_RIGHT: Final = 16
_ROW: Final = 64
_LABEL: Final = 74.0
"""Room that the label of a visit takes."""
Height = Callable[[float], float]
"""A value to its y."""


def say(text: str) -> str:
    """`text` safe to stand in SVG, on one line."""
    return escape(words.clean(text, limit=300), quote=True)


def draw_text(x: float, y: float, text: str, *, kind: str = "", anchor: str = "start") -> str:
    """One line with its baseline at (x, y)."""
    style = f' class="{kind}"' if kind else ""
    said = say(text)
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{said}</text>'


def draw_rect(x: float, y: float, w: float, h: float, kind: str, *, title: str = "") -> str:
    """A box; its title is what a pointer over it says."""
    inner = f"<title>{say(title)}</title>" if title else ""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(w, 0.0):.1f}" height="{h:.1f}"'
    return f'<rect {place} class="{kind}">{inner}</rect>'


def draw_line(x0: float, y0: float, x1: float, y1: float, kind: str) -> str:
    """A straight line."""
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" class="{kind}"/>'


def draw_svg(height: float, title: str, description: str, body: Sequence[str], *, width: int = WIDTH) -> str:
    """A whole picture of `width` by `height`, as wide as its place allows."""
    return (
        f'<svg viewBox="0 0 {width} {height:.0f}" role="img" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{say(title)}</title><desc>{say(description)}</desc>{''.join(body)}</svg>"
    )


class _Axis:
    """Time to x."""

    __slots__ = ("left", "span", "width")

    def __init__(self, span: tuple[datetime, datetime], left: float, width: float) -> None:
        self.span, self.left, self.width = span, left, width

    def at(self, when: datetime) -> float:
        whole = (self.span[1] - self.span[0]).total_seconds()
        share = (when - self.span[0]).total_seconds() / whole
        return self.left + self.width * min(max(share, 0.0), 1.0)

    def at_day(self, day: date) -> float:
        return self.at(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _date_marks(span: tuple[datetime, datetime]) -> tuple[tuple[datetime, str], ...]:
    """Dates to write under a time axis, about ten of them."""
    days = (span[1] - span[0]).days
    if days <= 75:
        step = next(s for s in (1, 2, 3, 7) if days / s <= 12 or s == 7)
        marks = [span[0] + timedelta(days=i) for i in range(0, days + 1, step)]
        return tuple((mark, f"{mark.day} {mark:%b}") for mark in marks)
    months = []
    year, month = span[0].year, span[0].month
    while datetime(year, month, 1, tzinfo=UTC) <= span[1]:
        first = datetime(year, month, 1, tzinfo=UTC)
        if first >= span[0]:
            months.append(first)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    step = max(-(-len(months) // 12), 1)
    return tuple(
        (m, f"{m:%b %Y}" if m.month == 1 or i == 0 else f"{m:%b}") for i, m in enumerate(months[::step])
    )


def hatching() -> str:
    """What days that clouds hid are filled with; a page has it once."""
    return (
        '<svg width="0" height="0" aria-hidden="true"><defs><pattern id="hidden" width="6" height="6" '
        'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="6" height="6" class="hidden-back"/>'
        '<line x1="0" y1="0" x2="0" y2="6" class="hidden-stroke"/></pattern></defs></svg>'
    )


def timeline(rows: Sequence[BerthRow], span: tuple[datetime, datetime]) -> str:
    """One line a berth: visits with their windows, looks with their outcomes, hidden days hatched."""
    axis = _Axis(span, _LEFT, WIDTH - _LEFT - _RIGHT)
    body = []
    bottom = 10 + _ROW * len(rows)
    for mark, text in _date_marks(span):
        body.append(draw_line(axis.at(mark), 10, axis.at(mark), bottom, "grid"))
        anchor = "end" if axis.at(mark) > WIDTH - 2 * _RIGHT else "middle"
        body.append(draw_text(axis.at(mark), bottom + 16, text, kind="tick", anchor=anchor))
    for i, row in enumerate(rows):
        body += _timeline_row(row, axis, 10 + i * _ROW)
    seen = sum(len(row.visits) for row in rows)
    return draw_svg(bottom + 24, "Timeline of visits", f"{seen} visits at {len(rows)} berths", body)


def _timeline_row(row: BerthRow, axis: _Axis, top: float) -> list[str]:
    body = [draw_line(0, top + _ROW, axis.left + axis.width, top + _ROW, "rule")]
    body.append(draw_text(0, top + 26, row.name if len(row.name) <= 25 else row.name[:24] + "…", kind="name"))
    if not row.verified:
        body.append(draw_text(0, top + 43, "candidate berth", kind="tick warn"))
    kinds: Mapping[DayState, str] = {"seen": "day-seen", "hidden": "day-hidden"}
    for first, last, state in _spells(row.days):
        x0, x1 = axis.at_day(first), axis.at_day(last + timedelta(days=1))
        said = "seen" if state == "seen" else "hidden by cloud"
        title = f"{first}: {said}" if first == last else f"{first} to {last}: {said}"
        body.append(draw_rect(x0, top + 6, x1 - x0, _ROW - 12, kinds[state], title=title))
    named = axis.left - _LABEL
    for visit in sorted(row.visits, key=lambda v: (v.arrival_window[0], v.visit_id)):
        body += _visit_bar(visit, axis, top)
        middle = (axis.at(visit.arrival_window[0]) + _end(visit, axis)) / 2
        spot = min(max(middle, axis.left + _LABEL / 2), axis.left + axis.width - _LABEL / 2)
        if spot - named >= _LABEL:
            named = spot
            label = draw_text(spot, top + 12.5, _visit_label(visit), kind="label", anchor="middle")
            body.append(f'<a href="#{say(visit.visit_id)}">{label}</a>')
    radius = min(max(0.45 * axis.width / max(len(row.looks), 1), 1.4), 4.2)
    for look in row.looks:
        title = f"{look.scene_id}: {words.OUTCOME[look.state]}"
        body.append(_look(axis.at(look.when), top + 46, radius, look.state, title))
    return body


def _end(visit: Visit, axis: _Axis) -> float:
    latest = visit.departure_window[1]
    return axis.at(latest) if latest is not None else axis.left + axis.width


def _visit_bar(visit: Visit, axis: _Axis, top: float) -> list[str]:
    """Light over the time she may have been there, dark over the time she was for certain."""
    arrive, depart = visit.arrival_window, visit.departure_window
    title = f"{visit.visit_id}: {words.EVIDENCE[visit.evidence]}, {visit.status}"
    start, sure = axis.at(arrive[0]), axis.at(depart[0]) - axis.at(arrive[1])
    return [
        draw_rect(start, top + 17, _end(visit, axis) - start, 15, f"window {visit.status}", title=title),
        draw_rect(axis.at(arrive[1]), top + 14, max(sure, 3.0), 21, f"stay {visit.status}", title=title),
    ]


def _visit_label(visit: Visit) -> str:
    if visit.departure is not None:
        return f"left {100 * visit.departure.fraction:.0f} % full"
    return "not measured"


def _spells(days: Sequence[tuple[date, DayState]]) -> list[tuple[date, date, DayState]]:
    """Consecutive days of one state as (first, last, state); days without a look are left out."""
    spells: list[tuple[date, date, DayState]] = []
    for day, state in days:
        if state == "no-look":
            continue
        if spells and spells[-1][2] == state and spells[-1][1] + timedelta(days=1) == day:
            spells[-1] = (spells[-1][0], day, state)
        else:
            spells.append((day, day, state))
    return spells


def _look(x: float, y: float, radius: float, state: str, title: str) -> str:
    inner = f"<title>{say(title)}</title>"
    if state == "obscured":
        half = 0.85 * radius
        path = f"M{x - half:.1f} {y - half:.1f}l{2 * half:.1f} {2 * half:.1f}"
        path += f"m0 {-2 * half:.1f}l{-2 * half:.1f} {2 * half:.1f}"
        return f'<path d="{path}" class="look-hidden">{inner}</path>'
    kind = "look-occupied" if state == "occupied" else "look-empty" + (" small" if radius < 3.0 else "")
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="{kind}">{inner}</circle>'


def cap_chart(
    steps: Sequence[Step], cap: CapYear, span: tuple[datetime, datetime], total: Quantiles | None
) -> str:
    """Cumulative barrels of a year with their band, against the yearly limit."""
    height, top, base = 330.0, 18.0, 290.0
    right_room = 92.0 if total is not None else 24.0
    axis = _Axis(span, 86, WIDTH - 86 - right_room)
    highest = max([cap.limit, *(s.high for s in steps), total.p95 if total is not None else 0.0]) * 1.08

    def y(value: float) -> float:
        return base - (base - top) * value / highest

    right = axis.left + axis.width
    body = []
    for value in ticks(0.0, highest, 7):
        body.append(draw_line(axis.left, y(value), right, y(value), "grid"))
        body.append(draw_text(axis.left - 8, y(value) + 4, words.grouped(value), kind="tick", anchor="end"))
    for mark, text in _date_marks(span):
        body.append(draw_line(axis.at(mark), base, axis.at(mark), base + 5, "rule"))
        body.append(draw_text(axis.at(mark), base + 20, text, kind="tick", anchor="middle"))
    if steps:
        body += _stairs(steps, axis, y, right)
    body.append(draw_line(axis.left, y(cap.limit), right, y(cap.limit), "cap"))
    said = f"yearly limit {words.grouped(cap.limit)} barrels"
    body.append(draw_text(axis.left + 8, y(cap.limit) - 7, said, kind="cap-text"))
    body.append(draw_line(axis.left, base, right, base, "axis"))
    if total is not None:
        body += _whisker(total, right + 34, y)
    body.append(draw_text(0, 12, "barrels", kind="tick"))
    end = steps[-1] if steps else None
    description = (
        f"At the end {words.two_figures(end.middle)} barrels, band {words.two_figures(end.low)} to "
        f"{words.two_figures(end.high)}"
        if end is not None
        else "no departures"
    )
    return draw_svg(height, f"Cumulative barrels in {cap.year}", description, body)


def _stairs(steps: Sequence[Step], axis: _Axis, y: Height, right: float) -> list[str]:
    x = [axis.at(step.when) for step in steps]
    ends = [*x[1:], right]
    upper, lower, middle = [f"M{x[0]:.1f} {y(0.0):.1f}"], [], [f"M{axis.left:.1f} {y(0.0):.1f}H{x[0]:.1f}"]
    for step, start, stop in zip(steps, x, ends, strict=True):
        upper.append(f"V{y(step.high):.1f}H{stop:.1f}")
        middle.append(f"V{y(step.middle):.1f}H{stop:.1f}")
        lower.append(f"V{y(step.low):.1f}H{start:.1f}")
    band = "".join(upper) + "".join(reversed(lower)) + "Z"
    body = [f'<path d="{band}" class="band"/>', f'<path d="{"".join(middle)}" class="steps"/>']
    for step, start in zip(steps, x, strict=True):
        title = f"{step.visit_id}: {words.two_figures(step.middle)} barrels so far"
        body.append(
            f'<circle cx="{start:.1f}" cy="{y(step.middle):.1f}" r="4" class="step-dot">'
            f"<title>{say(title)}</title></circle>"
        )
    return body


def _whisker(total: Quantiles, x: float, y: Height) -> list[str]:
    return [
        draw_line(x, y(total.p05), x, y(total.p95), "whisker"),
        draw_line(x - 6, y(total.p05), x + 6, y(total.p05), "whisker"),
        draw_line(x - 6, y(total.p95), x + 6, y(total.p95), "whisker"),
        f'<circle cx="{x:.1f}" cy="{y(total.p50):.1f}" r="4.5" class="whisker-dot"/>',
        draw_text(x, y(total.p05) + 18, "with the", kind="tick", anchor="middle"),
        draw_text(x, y(total.p05) + 32, "unseen", kind="tick", anchor="middle"),
    ]


def interval_bar(low: float, middle: float, high: float, *, most: float, kind: str) -> str:
    """A small bar of a value with its interval, from 0 to `most`."""
    width, height = 300, 26

    def x(value: float) -> float:
        return 4 + (width - 8) * min(max(value / most, 0.0), 1.0)

    body = [
        draw_rect(4, 9, width - 8, 8, "track"),
        draw_rect(x(low), 6, max(x(high) - x(low), 2.0), 14, f"interval {kind}"),
        draw_line(x(middle), 2, x(middle), 24, f"mark {kind}"),
    ]
    return draw_svg(height, "interval", f"{middle:.3g}, {low:.3g} to {high:.3g}", body, width=width)
