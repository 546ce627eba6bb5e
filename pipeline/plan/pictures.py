"""The maps as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.plan.expect import largest_error
from pipeline.plan.hours import INCIDENCES, STEP
from pipeline.render.maps import Panel, Sheet, render_maps

if TYPE_CHECKING:
    import numpy.typing as npt

    from pipeline.config import FreeboardConfig
    from pipeline.plan.hours import Day
    from pipeline.plan.refusal import RefusalMap

    Picture = npt.NDArray[np.uint8]


def picture_refusal(found: RefusalMap, rule: FreeboardConfig) -> Picture:
    """The map of the rule: a row for each height of the sun, a column for each pixel size."""
    across = [(a / 90.0, f"{a:.0f}") for a in (0.0, 30.0, 60.0, 90.0)]
    reach = found.across[-1]
    up = [((a + reach) / (2 * reach), f"{a:+.0f}" if a else "0") for a in (-40.0, -20.0, 0.0, 20.0, 40.0)]
    panels = [
        [
            Panel(
                title=f"{gsd:g} m pixels, sun {elevation:.0f}° high",
                values=found.sigma[e, g],
                columns=found.off_axis / 90.0,
                across=across,
                up=up,
                limit=largest_error(gsd, rule),
            )
            for g, gsd in enumerate(found.gsds)
        ]
        for e, elevation in enumerate(found.elevations)
    ]
    sheet = Sheet(
        title="Where a freeboard can be measured at all",
        notes=(
            "A ship 16 m wide in open water, laden and in ballast. Across: 0 = the sun stands ahead or "
            "astern of her, 90 = abeam.",
            "Up: how far off the vertical she is seen across her axis; + from the sun's side, - from the "
            "side of her shadow, 0 from above.",
            "A satellite at incidence angle i, its azimuth a degrees off her axis, counts as "
            "atan(tan i sin a).",
            f"Pale: up to {largest_error(3.0, rule):.1f} m, which tells laden from ballast in 3 m pixels.",
        ),
        x_label="sun off the ship's axis [deg]",
        y_label="view across the ship [deg]",
        panel=(310, 220),
    )
    return render_maps(panels, sheet, limit=rule.max_expected_sigma)


def picture_day(day: Day, *, limit: float, zone: str) -> Picture:
    """One day over one place: hours across, the satellite's azimuth up, a panel for each incidence angle."""
    from zoneinfo import ZoneInfo

    local = ZoneInfo(zone)
    order = np.argsort(day.azimuths)
    grid = np.asarray(day.azimuths)[order]
    hours = np.flatnonzero(~np.isnan(day.sigma[:, 0, 0]))
    # daylight may run over midnight UTC: the picture begins at the first hour after the night
    first = hours[np.diff(hours, prepend=hours[-1:] - 24) > 1]
    turn = [(int(first[0]) + h) % 24 for h in range(len(hours))] if len(first) else list(range(24))
    azimuths = np.arange(0.0, 360.1, STEP)
    nearest = [int(order[np.argmin(np.abs((grid - a + 180.0) % 360.0 - 180.0))]) for a in azimuths]
    width = len(turn) - 1
    ticks = [
        (i / width, f"{day.hours[h]:%H}\u202f/\u202f{day.hours[h].astimezone(local):%H}")
        for i, h in enumerate(turn)
        if (width <= 8 or i % 2 == 0) and i < width
    ]
    sun = np.stack([np.arange(width + 1) / width, day.sun[turn, 1] / 360.0], axis=-1)
    axis = () if day.place.heading is None else (day.place.heading, day.place.heading + 180.0)
    panels = [
        Panel(
            title=f"incidence angle {incidence:.0f}°",
            values=day.sigma[turn][:, i][:, nearest].T,
            columns=np.arange(width + 1) / width,
            across=ticks,
            up=[(a / 360.0, f"{a:.0f}") for a in (0, 90, 180, 270, 360)],
            sun=sun,
            levels=[(a / 360.0, "along the ship") for a in axis],
        )
        for i, incidence in enumerate(INCIDENCES)
    ]
    where = "any heading" if day.place.heading is None else f"ship on axis {day.place.heading:.0f}°"
    sheet = Sheet(
        title=f"{day.place.id}, {day.date}: which pass would measure a freeboard",
        notes=(f"{day.gsd:g} m pixels, {where}, open water on both sides",),
        x_label=f"hour UTC / {zone}",
        y_label="azimuth from the ship to the satellite [deg]",
        panel=(560, 330),
    )
    return render_maps([panels[:2], panels[2:]], sheet, limit=limit)
