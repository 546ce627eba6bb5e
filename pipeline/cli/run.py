"""`plimsoll run` and `plimsoll demo`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli import ending
from pipeline.cli.display import format_quantiles, show_progress, tell_season
from pipeline.cli.ending import Session, folder_of, say
from pipeline.cli.options import SITE, jobs_option, json_option, limit_options, out_option, set_option
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.batch import BatchOutcome, Pool
    from pipeline.config import Config
    from pipeline.datatypes import Ship, Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many scenes at once, and what one of them may take."""

    jobs: int | None
    timeout: float
    memory: float | None
    """[GiB]"""

    def pool(self) -> Pool:
        """The executor they describe."""
        from pipeline.batch import Pool, default_jobs, default_memory

        jobs = self.jobs or default_jobs()
        memory = default_memory(jobs) if self.memory is None else int(self.memory * 2**30)
        return Pool(jobs=jobs, memory=memory, timeout=self.timeout)


@click.command(
    epilog="""\b
Examples:
  plimsoll run scenes/
  plimsoll run delivery-1/ delivery-2/scene.tif --site my-terminal.geojson --out august
  plimsoll run scenes/ --jobs 4 --json > summary.json

Exit codes: 0 done; 3 done, but some scenes were refused or failed; 4 nothing succeeded; 2 usage;
6 the output folder is busy, read-only, damaged or full; 130 interrupted, safe to repeat."""
)
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="INPUT...")
@click.option(
    "--site",
    "sites",
    multiple=True,
    default=(SITE,),
    show_default=True,
    metavar="ID|FILE",
    help="A terminal: its id, or GeoJSON. Given again: further places, where a visit may go on.",
)
@click.option("--fleet", type=click.Path(path_type=Path), metavar="FILE", help="Register of ships, CSV.")
@out_option
@jobs_option
@click.option("--force", is_flag=True, help="Do again what is already done.")
@json_option
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="Settings, TOML."
)
@set_option
@limit_options
@click.pass_obj
def run(session: Session, /, **given: Any) -> int:
    """Every scene below INPUT through all stages, then visits and barrels over all that DIR holds.

    INPUT is a scene (STAC item, vendor delivery, GeoTIFF) or a folder that is searched for scenes. What was
    already done with the same bytes, settings and version is not done again.
    """
    session.out = given["out"]
    limits = Limits(jobs=given["jobs"], timeout=given["timeout"], memory=given["memory"])
    return run_scenes(
        session,
        given["inputs"],
        given["sites"],
        given["fleet"],
        config=read_settings(given["config_file"], given["settings"]),
        limits=limits,
        force=given["force"],
        as_json=given["as_json"],
    )


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="plimsoll-demo",
    show_default=True,
    metavar="DIR",
    help="Folder of the results.",
)
@jobs_option
@limit_options
@click.pass_obj
def demo(session: Session, out: Path, jobs: int | None, timeout: float, memory: float | None) -> int:
    """Take the sample season (simulated) from install to report: offline, no account."""
    from pipeline.resources import find_resource

    session.out = out
    sample = find_resource("sample_scenes")
    code = run_scenes(
        session,
        [sample],
        [str(sample / "site.geojson")],
        sample / "fleet.csv",
        config=read_settings(None, ()),
        limits=Limits(jobs=jobs, timeout=timeout, memory=memory),
    )
    from pipeline.cli.season import write_report

    click.echo(f"report   {write_report(out)}")
    if code == ending.SOME_REFUSED:  # the season carries a damaged file on purpose
        say("One file of the sample season is damaged on purpose: a bad scene never stops a batch.")
        return ending.DONE
    return code


def read_settings(path: Path | None, pairs: Sequence[str]) -> Config:
    """Defaults, then the file, then `--set`."""
    from pipeline.config import Config, parse_settings, read_config, update_config

    return update_config(Config() if path is None else read_config(path), parse_settings(pairs))


def read_sites(names: Sequence[str]) -> list[Site]:
    """The terminal, and the places beyond it.

    Raises
    ------
    UsageError
        Two of them share an id, or the id of a berth.
    """
    from pipeline.ingest import read_site

    sites = [read_site(name) for name in names]
    berths = [f"berth {f.id}" for site in sites for f in site.of_role("berth")]
    for ids in ([f"site {site.id}" for site in sites], berths if len(sites) > 1 else []):
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise UsageError(f"{', '.join(twice)}: in two of the sites", hint="ids must differ between sites")
    return sites


def read_ships(path: Path | None) -> tuple[Ship, ...]:
    """The register, with a note on stderr for each row whose particulars cannot all be true."""
    from pipeline.ingest import read_register

    ships, notes = read_register(path)
    for flag in notes:
        say(f"note: {flag.message}")
    return ships


def run_scenes(
    session: Session,
    inputs: Sequence[Path],
    site_names: Sequence[str],
    fleet_path: Path | None,
    *,
    config: Config,
    limits: Limits,
    force: bool = False,
    as_json: bool = False,
) -> int:
    """The main job; the exit code."""
    from pipeline.ingest import find_deliveries, prepare_environment

    prepare_environment()
    from pipeline.batch import Request, run_batch

    deliveries = find_deliveries(inputs)
    site, *beyond = read_sites(site_names)
    fleet = read_ships(fleet_path)
    if not deliveries:
        say(f"error: no scene below {', '.join(str(i) for i in inputs)}")
        say("hint:  a scene is a STAC item beside its images, a vendor's delivery, or a GeoTIFF")
        return ending.NOTHING
    for place in (site, *beyond):
        warn_of_candidates(place)
    request = Request(
        deliveries=deliveries,
        out=folder_of(session),
        site=site,
        fleet=fleet,
        config=config,
        force=force,
        beyond=tuple(beyond),
    )
    logged: list[Path] = []
    with show_progress() as report:
        outcome = run_batch(
            request, limits.pool(), report=report, log=lambda text: logged.append(session.write_log(text))
        )
    tell_scenes(outcome)
    tell_season(outcome.season)
    if logged:
        say(f"tracebacks are in {logged[-1]}")
    print_summary_json(outcome) if as_json else print_summary(outcome)
    return exit_code(outcome)


def warn_of_candidates(site: Site) -> None:
    """Say on stderr that berths are candidates nobody has confirmed."""
    berths = site.of_role("berth")
    open_ones = [berth.id for berth in berths if not berth.verified]
    if open_ones:
        say(
            f"note: {site.name}: {len(open_ones)} of {len(berths)} berths are candidates that nobody has"
            f" confirmed ({', '.join(open_ones)}); the outputs mark them as unverified"
        )


def tell_scenes(outcome: BatchOutcome) -> None:
    """Name on stderr what was refused, what failed, and what was a duplicate."""
    for scene in outcome.scenes:
        if scene.status in {"refused", "failed", "crashed", "duplicate"}:
            say(f"{scene.status}: {scene.scene_id}: {scene.message}")
    if outcome.looks and not outcome.looks_at_site:
        say("note: no scene meets the area of the site: ships are found, visits are not (is --site right?)")


def exit_code(outcome: BatchOutcome) -> int:
    """0, 3 or 4."""
    if not outcome.troubled:
        return ending.DONE
    return ending.NOTHING if len(outcome.troubled) == len(outcome.scenes) else ending.SOME_REFUSED


_STATUS = {
    "ok": "done",
    "up to date": "up to date",
    "duplicate": "duplicate",
    "refused": "refused",
    "failed": "failed",
    "crashed": "crashed",
}


def print_summary(outcome: BatchOutcome) -> None:
    """A few lines on stdout: scenes, ships, visits, barrels, files."""
    counts = Counter(scene.status for scene in outcome.scenes)
    said = ", ".join(f"{counts[status]} {word}" for status, word in _STATUS.items() if counts[status])
    season = outcome.season
    click.echo(f"scenes   {len(outcome.scenes)}: {said}")
    click.echo(f"ships    {outcome.ships} in {outcome.looks} looks, {outcome.measured} measured")
    if season.visits.coverage.by_month:
        click.echo(f"visits   {len(season.visits.visits)}")
        barrels = season.volume.barrels
        for name in ("measured", "imputed", "unseen", "baseline", "total"):
            label = "barrels" if name == "measured" else ""
            click.echo(f"{label:<8} {name:<9} {format_quantiles(getattr(barrels, name))}")
    else:
        click.echo("visits   not looked for: no scene shows the site")
    if season.volume.simulated or season.visits.simulated:
        click.echo("note     simulated scenes: these barrels never existed")
    for name in ("visits.csv", "volume.json", "plimsoll.gpkg", "scenes"):
        click.echo(f"{'files' if name == 'visits.csv' else '':<8} {season.folder / name}")


def print_summary_json(outcome: BatchOutcome) -> None:
    """The same as JSON."""
    from pipeline.store import plain_to_json, to_plain

    season = outcome.season
    document = {
        "out": str(season.folder),
        "scenes": [to_plain(scene) for scene in outcome.scenes],
        "looks": outcome.looks,
        "ships": outcome.ships,
        "measured": outcome.measured,
        "visits": len(season.visits.visits),
        "barrels": to_plain(season.volume.barrels),
    }
    click.echo(plain_to_json(document), nl=False)
