"""`plimsoll visits`, `plimsoll volume` and `plimsoll report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli import ending
from pipeline.cli.display import print_table, print_volume
from pipeline.cli.ending import Session
from pipeline.cli.options import json_option, out_option, set_option
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.batch import SeasonFiles
    from pipeline.products import Fill, Visit, VisitsDocument

_PATH = click.Path(path_type=Path, dir_okay=True)


def current_season(out: Path) -> SeasonFiles:
    """The season of a folder; its files are made anew where they are not as the store knows them."""
    from pipeline.batch import read_season, remake_season
    from pipeline.store import Store

    with Store.open(out) as store:
        found = read_season(store)
    return remake_season(out) if found is None else found


@click.command(
    epilog="""\b
Examples:
  plimsoll visits
  plimsoll visits --out august --json | jq '.visits[].visit_id'"""
)
@out_option
@json_option
@click.pass_obj
def visits(session: Session, out: Path, as_json: bool) -> int:
    """List the visits in DIR, with what each ship loaded; --json prints visits.json."""
    session.out = out
    season = current_season(out)
    if as_json:
        click.echo((out / "visits.json").read_text(encoding="utf-8"), nl=False)
        return ending.DONE
    rows = [_visit_row(visit) for visit in season.visits.visits]
    header = (
        "visit",
        "berth",
        "ship",
        "arrived",
        "left",
        "fill in",
        "fill out",
        "loaded t",
        "evidence",
        "status",
    )
    print_table(header, rows)
    _print_voyages(season.visits)
    usable = len(season.visits.coverage.usable_times)
    click.echo(f"{len(rows)} visits in {usable} usable looks; what clouds hid is in `plimsoll volume`")
    return ending.DONE


def _print_voyages(document: VisitsDocument) -> None:
    """A line for each visit that may go on at another site."""
    for voyage in document.voyages:
        for call in voyage.calls:
            brought = (
                "" if call.fraction_on_arrival is None else f", {call.fraction_on_arrival:.0%} full there"
            )
            click.echo(
                f"voyage   {voyage.visit_id} goes on at {call.site} as {call.visit_id}: "
                f"{call.probability:.0%}{brought}"
            )


def _visit_row(visit: Visit) -> tuple[str, ...]:
    first = visit.identity[0] if visit.identity else None
    ship = "?" if first is None or first.name is None else f"{first.name} ({first.probability:.0%})"
    loaded = visit.cargo_loaded
    latest = visit.departure_window[1]
    return (
        visit.visit_id,
        visit.berth_id or "-",
        ship,
        f"{visit.arrival_window[1]:%Y-%m-%d %H:%M}",
        "not seen yet" if latest is None else f"{latest:%Y-%m-%d %H:%M}",
        _fill(visit.arrival),
        _fill(visit.departure),
        f"{loaded.value:,.0f} ± {loaded.sigma:,.0f}",
        visit.evidence,
        visit.status,
    )


def _fill(fill: Fill | None) -> str:
    if fill is None:
        return "-"
    low, high = fill.interval90
    return f"{fill.fraction:.0%} ({low:.0%} to {high:.0%})"


@click.command(
    epilog="""\b
Examples:
  plimsoll volume
  plimsoll volume --out august --json | jq .barrels.total
  plimsoll volume --visits calls.csv --fleet register.csv      calls from any source, no imagery
  plimsoll volume --visits vostochny-2024                      what was reported of 2024, against itself

Columns of --visits (only date is needed; empty = not known): visit_id site berth date (2024-03-07, 2024-03,
A/B) calls ships imo name dwt_t capacity_t fill (0.9) draught_departure_m cargo_t, sigmas as fill_sigma,
evidence source note."""
)
@out_option
@json_option
@click.option(
    "--visits", "calls", type=_PATH, metavar="CSV", help="Calls from any source, or a case by name."
)
@click.option("--fleet", type=_PATH, metavar="FILE", help="Register of ships, CSV (with --visits).")
@click.option("--claims", type=_PATH, metavar="FILE", help="What others said, CSV (with --visits).")
@click.option("--report", "page", type=_PATH, metavar="HTML", help="Write a page on it (with --visits).")
@click.option("--config", "config_file", type=_PATH, metavar="FILE", help="Settings, TOML (with --visits).")
@set_option
@click.pass_obj
def volume(session: Session, /, out: Path, as_json: bool, calls: Path | None, **given: Any) -> int:
    """Say how many barrels were loaded in what DIR holds, or by a list of calls; --json: volume.json."""
    if calls is not None:
        from pipeline.cli.desk import Desk, count_calls

        desk = Desk(
            visits=calls,
            fleet=given["fleet"],
            claims=given["claims"],
            config=given["config_file"],
            settings=given["settings"],
            report=given["page"],
        )
        return count_calls(desk, as_json=as_json)
    if any(given.values()):
        raise UsageError("--fleet, --claims, --report, --config and --set go with --visits")
    session.out = out
    season = current_season(out)
    if as_json:
        click.echo((out / "volume.json").read_text(encoding="utf-8"), nl=False)
    else:
        print_volume(season.volume)
    return ending.DONE


@click.command(epilog="Example: plimsoll report --out august")
@out_option
@click.pass_obj
def report(session: Session, out: Path) -> int:
    """Write DIR/report.html: the season on one self-contained page."""
    session.out = out
    current_season(out)
    click.echo(write_report(out))
    return ending.DONE


def write_report(out: Path) -> Path:
    """Write report.html and say where it is."""
    from pipeline.batch import make_report

    return make_report(out)


@click.command(
    epilog="""\b
Examples:
  plimsoll export --out august                       plimsoll.kmz and a sheet for each visit
  plimsoll export 20240810-b1 --out august           the sheet of one visit"""
)
@click.argument("visits", nargs=-1, metavar="[VISIT...]")
@out_option
@click.pass_obj
def export(session: Session, /, visits: tuple[str, ...], out: Path) -> int:
    """Write DIR/plimsoll.kmz for Google Earth, and DIR/sheets/VISIT.pdf: an evidence sheet a visit."""
    from pipeline.batch import export_season

    session.out = out
    current_season(out)
    for path in export_season(out, visits):
        click.echo(path)
    return ending.DONE
