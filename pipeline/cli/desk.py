"""`plimsoll volume --visits CSV`: the ledger of calls from any source, without imagery."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import ending
from pipeline.cli.display import format_bbl, print_table, print_volume
from pipeline.cli.ending import say
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.products import Claim, VisitsDocument, VolumeDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the command is given."""

    visits: Path
    """A CSV, or a case of `models/cases/`: its id, or its id and one of its files."""
    fleet: Path | None
    claims: Path | None
    config: Path | None
    settings: tuple[str, ...]
    report: Path | None
    """Where to write the page on it."""


def resolve_case(given: Desk) -> Desk:
    """The same with the files of a case named; a file that is there comes first.

    Raises
    ------
    UsageError
        Neither a file nor a case.
    """
    from pipeline.resources import find_resource

    if given.visits.is_file():
        return given
    folder = find_resource("models") / "cases"
    found = folder / given.visits
    found = found / "visits.csv" if found.is_dir() else found
    if folder not in found.parents or ".." in given.visits.parts or not found.is_file():
        known = ", ".join(sorted(p.name for p in folder.iterdir() if p.is_dir()))
        raise UsageError(f"{given.visits}: no such file", hint=f"a CSV of calls, or a case: {known}")
    beside = {name: found.parent / name for name in ("claims.csv", "settings.toml")}
    return Desk(
        visits=found,
        fleet=given.fleet,
        claims=given.claims or (beside["claims.csv"] if beside["claims.csv"].is_file() else None),
        config=given.config or (beside["settings.toml"] if beside["settings.toml"].is_file() else None),
        settings=given.settings,
        report=given.report,
    )


def count_calls(given: Desk, *, as_json: bool) -> int:
    """Print the ledger; the exit code: 3 where lines were refused, 4 where no line can be used."""
    from pipeline.cli.run import read_settings, read_ships
    from pipeline.desk import measure_desk, write_ledger
    from pipeline.ingest.calls import read_calls
    from pipeline.ingest.figures import read_claims
    from pipeline.store import from_json, to_json

    given = resolve_case(given)
    config = read_settings(given.config, given.settings)
    fleet = read_ships(given.fleet)
    file = read_calls(given.visits)
    claims: Sequence[Claim] = () if given.claims is None else read_claims(given.claims)
    visits = write_ledger(file, fleet, config=config)
    volume = measure_desk(visits, claims, fleet, config=config)
    text = to_json(volume)
    volume = from_json(type(volume), text)
    for flag in visits.flags[1:]:  # after the one that all ledgers have
        say(f"{'refused' if flag in file.refused else 'note'}: {flag.message}")
    if not file.calls:
        say(f"error: {given.visits.name}: no line of it can be used")
        return ending.NOTHING
    click.echo(text, nl=False) if as_json else _print(visits, volume)
    if given.report is not None:
        _write_report(given.report, visits, volume)
    return ending.SOME_REFUSED if file.refused else ending.DONE


def _print(visits: VisitsDocument, volume: VolumeDocument) -> None:
    print_volume(volume)
    unknown = sum("capacity-unknown" in visit.flags for visit in visits.visits)
    if unknown:
        click.echo(f"note     {unknown} calls by ships of unknown size: 1,000 to 9,000 t deadweight assumed")
    click.echo("note     no imagery: the total is of the listed calls alone, a floor where nobody looked")
    if volume.claims:
        rows = [
            (c.key, f"{c.start} to {c.end}", c.quantity, _bounds(c), _ours(c), c.source)
            for c in volume.claims
        ]
        click.echo("\nwhat others said")
        print_table(("claim", "days", "quantity", "said", "this ledger", "source"), rows)
    if volume.contradictions:
        click.echo("\nwhat does not hold together")
        for found in volume.contradictions:
            click.echo(f"- {found.message}")


def _number(value: float) -> str:
    return f"{value:g}" if value < 100 else f"{value:,.0f}"


def _bounds(claim: Claim) -> str:
    if claim.low is None and claim.high is None:
        return "nothing"
    if claim.low is None or claim.high is None:
        return (
            f"at least {_number(claim.low)}"
            if claim.low is not None
            else f"at most {_number(claim.high or 0)}"
        )
    return _number(claim.low) if claim.low == claim.high else f"{_number(claim.low)} to {_number(claim.high)}"


def _ours(claim: Claim) -> str:
    if claim.ours is None:
        return "-"
    if claim.ours.p05 == claim.ours.p95:
        return _number(claim.ours.p50)
    return f"{format_bbl(claim.ours.p50)} ({format_bbl(claim.ours.p05)} to {format_bbl(claim.ours.p95)})"


def _write_report(path: Path, visits: VisitsDocument, volume: VolumeDocument) -> None:
    """Write the page on the ledger."""
    from pipeline.render import render_report
    from pipeline.store.files import explain_disk

    page = render_report(visits, volume, ())
    with explain_disk(path.parent):
        path.write_text(page, encoding="utf-8")
    click.echo(f"report   {path}")
