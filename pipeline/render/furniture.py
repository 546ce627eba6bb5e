"""Scale bar, compass with sun and view, legend: what makes a picture of the ground readable."""

from __future__ import annotations

import math

import numpy as np

from pipeline.products import GeometryResult
from pipeline.render import words
from pipeline.render.canvas import Canvas, arrow, box, disc, fill, line, text_width, write
from pipeline.render.palette import HALO, SUN, VIEW, WHITE
from pipeline.render.view import Frame


def round_length(longest: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is at most `longest` (positive)."""
    power = 10.0 ** math.floor(math.log10(longest))
    return next(m * power for m in (5.0, 2.0, 1.0) if m * power <= longest * (1 + 1e-9))


def length_words(length: float) -> str:
    """As "50 m", "2 km"."""
    return f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"


def draw_scale_bar(
    canvas: Canvas, frame: Frame, corner: tuple[float, float], room: float, *, unit: float
) -> None:
    """Draw a bar of a round number of metres, at most `room` px long, its lower left at `corner`."""
    length = round_length(room / frame.scale)
    width = length * frame.scale
    size = max(round(20 * unit), 11)
    text = length_words(length)
    x, y = corner
    pad = 10 * unit
    total = max(width, text_width(text, size, weight=500)) + 2 * pad
    top = y - size - 3.4 * pad
    box(canvas, (x, top), (total, y - top), HALO, opacity=0.6)
    bar_y = y - pad - 3 * unit
    thick = max(round(5 * unit), 3)
    line(canvas, [(x + pad, bar_y), (x + pad + width, bar_y)], WHITE, width=thick)
    line(
        canvas,
        [(x + pad + width / 2, bar_y), (x + pad + width, bar_y)],
        (120, 130, 142),
        width=max(thick - 2, 1),
    )
    write(canvas, text, (x + pad, bar_y - 9 * unit), size=size, weight=500, colour=WHITE)


def draw_compass(
    canvas: Canvas,
    frame: Frame,
    centre: tuple[float, float],
    geometry: GeometryResult | None,
    *,
    unit: float,
) -> None:
    """Draw true north, the way to the sun (disc) and to the satellite (square), as seen from the ground."""
    radius = 58 * unit
    x, y = centre
    disc(canvas, (x, y), radius * 1.5, HALO, width=max(round(1 * unit), 1))
    _shade(canvas, (x, y), radius * 1.5)
    head = 17 * unit
    thick = max(round(4 * unit), 2)
    north = np.array(frame.direction(0.0))
    tip = np.array(centre) + north * radius
    tail = np.array(centre) - north * radius * 0.55
    arrow(canvas, (tail[0], tail[1]), (tip[0], tip[1]), WHITE, width=thick, head=head, halo=0)
    label = np.array(centre) + north * radius * 1.28
    size = max(round(20 * unit), 11)
    write(
        canvas, "N", (label[0], label[1] + size * 0.36), size=size, weight=700, colour=WHITE, anchor="centre"
    )
    if geometry is None:
        return
    sun = np.array(centre) + np.array(frame.direction(geometry.sun_azimuth)) * radius
    line(canvas, [centre, (sun[0], sun[1])], SUN, width=max(thick - 1, 1))
    disc(canvas, (float(sun[0]), float(sun[1])), 9 * unit, SUN)
    towards = np.array(frame.direction(geometry.azimuth))
    view = np.array(centre) + towards * radius
    line(canvas, [centre, (view[0], view[1])], VIEW, width=max(thick - 1, 1))
    across = np.array([-towards[1], towards[0]])
    half = 8 * unit
    corners = [
        view + sx * half * towards + sy * half * across for sx, sy in ((1, 1), (1, -1), (-1, -1), (-1, 1))
    ]
    fill(canvas, np.stack(corners), VIEW)


def _shade(canvas: Canvas, centre: tuple[float, float], radius: float) -> None:
    angle = np.linspace(0, 2 * np.pi, 73)[:-1]
    circle = np.stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)], axis=-1)
    fill(canvas, circle, HALO, opacity=0.6)


def geometry_words(geometry: GeometryResult | None) -> tuple[str, str]:
    """(sun, view) in words; the second says what the image thinks of the view's azimuth."""
    if geometry is None:
        return "sun: not known", "view: not known, so nothing can be measured"
    return (
        f"sun {words.compass(geometry.sun_azimuth)}, {geometry.sun_elevation:.1f}° high",
        f"view {words.compass(geometry.azimuth)}, {geometry.incidence_angle:.1f}° from the vertical"
        f" ({words.CHECK[geometry.azimuth_check]})",
    )
