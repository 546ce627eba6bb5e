"""`plimsoll visits`, `plimsoll volume` and `plimsoll report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import ending
from pipeline.cli.display import format_bbl, format_quantiles, print_table
from pipeline.cli.ending import Session
from pipeline.cli.options import json_option, out_option

if TYPE_CHECKING:
    from pipeline.batch import SeasonFiles
    from pipeline.products import Fill, Visit


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
    usable = len(season.visits.coverage.usable_times)
    click.echo(f"{len(rows)} visits in {usable} usable looks; what clouds hid is in `plimsoll volume`")
    return ending.DONE


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
  plimsoll volume --out august --json | jq .barrels.total"""
)
@out_option
@json_option
@click.pass_obj
def volume(session: Session, out: Path, as_json: bool) -> int:
    """Say how many barrels were loaded in what DIR holds; --json prints volume.json."""
    session.out = out
    season = current_season(out)
    if as_json:
        click.echo((out / "volume.json").read_text(encoding="utf-8"), nl=False)
        return ending.DONE
    document = season.volume
    if document.period is not None:
        click.echo(f"period   {document.period.start:%Y-%m-%d} to {document.period.end:%Y-%m-%d} UTC")
    product = document.product
    click.echo(
        f"product  {product.name}, {product.density15:g} ± {product.density15_sigma:g} kg/m3 at 15 degC"
    )
    unseen = document.visits.unseen
    click.echo(
        f"visits   {document.visits.seen} seen, {unseen.p50:g} ({unseen.p05:g} to {unseen.p95:g}) unseen"
    )
    for name in ("measured", "imputed", "baseline", "unseen", "total"):
        label = "barrels" if name == "measured" else ""
        click.echo(f"{label:<8} {name:<9} {format_quantiles(getattr(document.barrels, name))}")
    for year in document.cap:
        crossed = year.baseline_crossed_on
        said = f"passed by the baseline on {crossed}" if crossed else "not passed by the baseline"
        click.echo(f"cap      {year.year}: {format_bbl(year.limit)}, {said}")
    if document.simulated:
        click.echo("note     simulated scenes: these barrels never existed")
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
