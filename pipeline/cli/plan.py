"""`plimsoll plan`."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli import ending
from pipeline.cli.display import print_table
from pipeline.cli.ending import Session, say
from pipeline.cli.options import SITE, json_option, set_option
from pipeline.cli.run import read_settings
from pipeline.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from pipeline.plan import Day, Judged, Place, PlacePlan

MOST_DAYS = 3
"""Of a longer period the first, the middle and the last day are shown: the sun moves slowly."""


@click.command(
    epilog="""\b
A CSV of candidates has a header with datetime (RFC 3339, with its zone) and incidence_angle,
or off_nadir with altitude [m] or a platform whose orbit is known; and, where they are known,
id, azimuth (from the ship to the satellite), gsd [m], platform and cloud_cover [%].
A bad line is named on stderr and the rest is done (exit 3).

\b
Examples:
  plimsoll plan --date 2024-08-12
  plimsoll plan --site my-terminal.geojson --berth b1 --date 2024-08-01/2024-08-31 --out plan
  plimsoll plan --berth b1 --heading 35 --candidates archive.csv
  plimsoll plan --candidates stac-items/ --json | jq '.places[].candidates[0].id'"""
)
@click.option("--site", default=SITE, show_default=True, metavar="ID|FILE", help="Site id or GeoJSON file.")
@click.option("--date", "dates", metavar="DAY[/DAY]", help="A day (UTC) or a period, e.g. 2024-08-12.")
@click.option(
    "--gsd",
    type=click.FloatRange(min=0.05, max=100),
    default=0.5,
    show_default=True,
    metavar="METRES",
    help="Pixel size, where a candidate does not state its own.",
)
@click.option("--berth", metavar="ID", help="One berth or anchorage alone (default: all).")
@click.option(
    "--heading", type=float, metavar="DEG", help="The ship's (default: the axis of the berth's polygon)."
)
@click.option(
    "--candidates",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Passes to judge: a CSV, STAC items or a folder of them.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for a map of each place and day (plan-PLACE-DAY.png) and plan.json.",
)
@set_option
@json_option
@click.pass_obj
def plan(session: Session, /, **given: Any) -> int:
    """Say when a pass could measure a freeboard at a berth, and which of a list of passes to buy.

    The error to expect follows from pixel size, sun, view and the ship's axis before any image is there; what
    the measurement would refuse is refused here, with the same code. Open water on both sides is assumed; for
    a single pass the error with water on one side alone is given too.
    """
    from pipeline.ingest import prepare_environment, read_passes, read_site
    from pipeline.plan import largest_error, list_places, make_plan, plan_document
    from pipeline.store import plain_to_json, to_plain

    session.out = given["out"]
    prepare_environment()
    rule = read_settings(None, given["settings"]).freeboard
    if given["dates"] is None and given["candidates"] is None:
        raise UsageError("nothing to plan", hint="give --date, --candidates or both")
    period = None if given["dates"] is None else _parse_period(given["dates"])
    limit = largest_error(given["gsd"], rule)
    site = read_site(given["site"])
    places = list_places(site, berth=given["berth"], heading=given["heading"])
    passes, faults = ((), ()) if given["candidates"] is None else read_passes(given["candidates"])
    for fault in faults:
        say(f"left out: {fault}")
    if faults and not passes:
        raise InputError(
            "candidates", f"{given['candidates']}: no pass can be used", hint="mend the lines above"
        )
    asked = [p for p in passes if period is None or period[0] <= p.datetime.date() <= period[1]]
    plans = make_plan(places, _days(period), asked, gsd=given["gsd"], rule=rule)
    text = plain_to_json(to_plain(plan_document(plans, site, rule)))
    if given["out"] is not None:
        _write(given["out"], plans, text, limit=limit, zone=site.timezone)
    if given["as_json"]:
        click.echo(text, nl=False)
    else:
        for place in plans:
            listed = given["candidates"] is not None
            _print_place(place, site.timezone, with_list=listed)
    return ending.SOME_REFUSED if faults else ending.DONE


def _parse_period(text: str) -> tuple[date, date]:
    """First and last day of DAY or DAY/DAY."""
    first, slash, last = text.partition("/")
    try:
        period = date.fromisoformat(first), date.fromisoformat(last if slash else first)
    except ValueError as error:
        raise UsageError(
            f"--date {text!r:.40}: {error}", hint="e.g. 2024-08-12 or 2024-08-01/2024-08-31"
        ) from error
    if period[1] < period[0]:
        raise UsageError(
            f"--date {text}: the last day is before the first", hint="DAY/DAY, the first day first"
        )
    return period


def _days(period: tuple[date, date] | None) -> tuple[date, ...]:
    """The days to show."""
    if period is None:
        return ()
    count = (period[1] - period[0]).days + 1
    if count <= MOST_DAYS:
        return tuple(period[0] + timedelta(days=i) for i in range(count))
    return period[0], period[0] + timedelta(days=count // 2), period[1]


# ---------------------------------------------------------------------------------------------- the table


def _print_place(plan: PlacePlan, zone: str, *, with_list: bool) -> None:
    from zoneinfo import ZoneInfo

    place, judged = plan.place, plan.judged
    lies = (
        "any heading"
        if place.heading is None
        else f"ship on axis {place.heading:.0f}/{place.heading + 180:.0f} deg"
    )
    click.echo(f"{place.id}  {place.name}: {lies}")
    for day in plan.days:
        click.echo(f"\n{day.date}, {day.gsd:g} m pixels: views from all round, 5 to 35 deg off the vertical")
        header = ("UTC", "local", "sun el", "sun az", "measured", "best", "median", "worst", "best view")
        print_table(header, _hour_rows(day, ZoneInfo(zone)) or [("no hour of daylight", *[""] * 8)])
    if with_list:
        click.echo("\ncandidates, best first" if judged else "\nno candidate on these dates")
    if judged:
        header = ("", "id", "UTC", "gsd", "view", "sun", "expected error", "cloud", "")
        print_table(header, [_pass_row(rank, j, place) for rank, j in enumerate(judged, start=1)])
    click.echo()


def _hour_rows(day: Day, zone: ZoneInfo) -> list[tuple[str, ...]]:
    import numpy as np

    rows: list[tuple[str, ...]] = []
    for h, hour in enumerate(day.hours):
        if np.isnan(day.sigma[h]).all():
            continue
        best, incidence, azimuth = day.best(h)
        rows.append(
            (
                f"{hour:%H:%M}",
                f"{hour.astimezone(zone):%H:%M}",
                f"{day.sun[h, 0]:.0f}",
                f"{day.sun[h, 1]:.0f}",
                f"{day.share[h]:.0%}",
                f"{best:.2f} m",
                f"{np.median(day.sigma[h]):.2f} m",
                f"{day.sigma[h].max():.2f} m",
                f"{incidence:.0f} deg from {azimuth:.0f}",
            )
        )
    return rows


def _pass_row(rank: int, judged: Judged, place: Place) -> tuple[str, ...]:
    from pipeline.freeboard import COARSE
    from pipeline.geometry import wrap_degrees

    c = judged.candidate
    azimuth = "?" if c.azimuth is None else f"{c.azimuth:.0f}"
    error = "-"
    if judged.expected_sigma is not None and judged.spread is not None:
        error = f"{judged.expected_sigma:.2f} m"
        if judged.one_side is None or judged.share not in (0.0, 1.0):
            error += f" ({judged.spread[0]:.2f} to {judged.spread[1]:.2f}; {judged.share:.0%} measured)"
    good = "buy" if judged.gsd <= COARSE else "buy, for laden or ballast alone"
    said = good if judged.reason is None else f"no: {judged.reason.code}: {judged.reason.message}"
    if judged.reason is None and judged.one_side is not None and place.heading is not None:
        right = wrap_degrees(place.heading + 90)
        sides = zip((right, wrap_degrees(right + 180)), judged.one_side, strict=True)
        alone = (f"{a:.0f} deg {'refused' if s > judged.largest else f'{s:.2f} m'}" for a, s in sides)
        said += f"; water on one side alone: {', '.join(alone)}"
    return (
        f"{rank}" if judged.reason is None else "-",
        c.id[:40],
        f"{c.datetime.astimezone(UTC):%Y-%m-%d %H:%M}",
        f"{judged.gsd:g}",
        "?" if c.incidence_angle is None else f"{c.incidence_angle:.0f} from {azimuth}",
        f"{judged.sun_elevation:.0f} from {judged.sun_azimuth:.0f}",
        error,
        "-" if c.cloud_cover is None else f"{c.cloud_cover:.0%}",
        said,
    )


def _write(out: Path, plans: Sequence[PlacePlan], text: str, *, limit: float, zone: str) -> None:
    """A picture of each place and day, and plan.json."""
    from pipeline.plan.pictures import picture_day
    from pipeline.store import prepare_folder, write_png, write_text

    prepare_folder(out)
    for day in (day for plan in plans for day in plan.days):
        write_png(out / f"plan-{day.place.id}-{day.date}.png", picture_day(day, limit=limit, zone=zone))
    write_text(out / "plan.json", text)
