"""Progress on stderr, results on stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import click

from pipeline.cli.ending import say

if TYPE_CHECKING:
    from pipeline.batch import Change, SeasonFiles, Step
    from pipeline.products import Quantiles, VolumeDocument


_WIDE = 36
"""Longest text in a cell of a table."""


class Report(Protocol):
    """Takes progress, one step at a time."""

    def __call__(self, step: Step) -> None:
        """One delivery is one step further."""


@contextmanager
def show_progress() -> Iterator[Report]:
    """A bar where stderr is a terminal, else one line a scene."""
    if not sys.stderr.isatty():
        yield _tell_step
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, TextColumn("{task.fields[name]}"), console=console, transient=True) as progress:
        bars = {}

        def show(step: Step) -> None:
            if step.phase not in bars:
                bars[step.phase] = progress.add_task(step.phase, total=step.total, name="")
            progress.update(bars[step.phase], completed=step.done, total=step.total, name=step.name)

        yield show


def _tell_step(step: Step) -> None:
    if step.phase == "measure":
        say(f"[{step.done}/{step.total}] {step.name}: {step.text}")
    elif step.phase == "piece":
        say(f"{step.name}: {step.text}")


def format_bbl(value: float) -> str:
    """Barrels with thin groups of thousands, to three significant digits."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}"


def format_quantiles(quantiles: Quantiles) -> str:
    """Barrels as the median, with the 5th and 95th percentile in brackets."""
    return f"{format_bbl(quantiles.p50)} ({format_bbl(quantiles.p05)} to {format_bbl(quantiles.p95)})"


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A plain table on stdout: columns as wide as they must be, numbers as they come."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def print_changes(changes: Mapping[str, Sequence[Change]]) -> None:
    """Every value that moved, document by document."""
    if not changes:
        click.echo("nothing moved")
    for document, moved in changes.items():
        click.echo(f"{document}: {len(moved)} value{'s' * (len(moved) != 1)} moved")
        rows = [(f"  {c.where}", _cell(c.before), _cell(c.after), _difference(c)) for c in moved]
        print_table(("  value", "before", "after", "change"), rows)


def tell_season(season: SeasonFiles) -> None:
    """Say on stderr how many words of people hold, which lost their ship, and which exports are old."""
    kept = len(season.visits.signed) + len(season.visits.readings)
    if kept:
        say(f"note: {kept} signed word{'s hold' if kept != 1 else ' holds'} as before")
    for flag in season.visits.flags:
        if flag.code == "signed-without-ship":
            say(f"note: {flag.message}")
    tell_stale(season)


def tell_stale(season: SeasonFiles) -> None:
    """Say on stderr which exports were made of an earlier season."""
    if season.stale:
        more = f" and {len(season.stale) - 1} more" if len(season.stale) > 1 else ""
        say(f"note: {season.stale[0]}{more} show an earlier season; `plimsoll export` makes them anew")


def _cell(value: object) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= _WIDE else text[: _WIDE - 1] + "…"


def _difference(change: Change) -> str:
    before, after = change.before, change.after
    numbers = (int, float)
    if isinstance(before, bool) or isinstance(after, bool):
        return ""
    if not isinstance(before, numbers) or not isinstance(after, numbers):
        return ""
    return f"{after - before:+.4g}"


def print_volume(document: VolumeDocument) -> None:
    """A few lines on stdout: period, product, visits, barrels, the yearly limit."""
    if document.period is not None:
        click.echo(f"period   {document.period.start:%Y-%m-%d} to {document.period.end:%Y-%m-%d} UTC")
    product = document.product
    density = f"{product.density15:g} ± {product.density15_sigma:g} kg/m3 at 15 degC"
    click.echo(f"product  {product.name}, {density}")
    unseen = document.visits.unseen
    listed = any(flag.code == "no-imagery" for flag in document.flags)
    hidden = "nobody says" if listed else f"{unseen.p50:g} ({unseen.p05:g} to {unseen.p95:g})"
    click.echo(f"visits   {document.visits.seen} {'listed' if listed else 'seen'}, {hidden} unseen")
    for name in ("measured", "imputed", "baseline", "unseen", "total"):
        label = "barrels" if name == "measured" else ""
        click.echo(f"{label:<8} {name:<9} {format_quantiles(getattr(document.barrels, name))}")
    for year in document.cap:
        crossed = year.baseline_crossed_on
        said = f"passed by the baseline on {crossed}" if crossed else "not passed by the baseline"
        click.echo(f"cap      {year.year}: {format_bbl(year.limit)}, {said}")
    if document.simulated:
        click.echo("note     simulated scenes: these barrels never existed")
