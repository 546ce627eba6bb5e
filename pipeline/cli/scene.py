"""`plimsoll reprocess` and `plimsoll annotate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import ending
from pipeline.cli.display import print_changes, show_progress, tell_season
from pipeline.cli.ending import Session, folder_of, say
from pipeline.cli.options import SITE, limit_options, out_option, set_option
from pipeline.cli.run import Limits, exit_code, tell_scenes
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.batch import BatchOutcome, Change, Setting, Snapshot
    from pipeline.ingest import Delivery
    from pipeline.store import SceneRow


@click.command(
    epilog="""\b
Examples:
  plimsoll reprocess S2A_20240810
  plimsoll reprocess scenes/skysat_20240812.json --set freeboard.max_expected_sigma=0.5
  plimsoll reprocess S2A_20240810 --set volume.density15=850"""
)
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE...")
@out_option
@set_option
@limit_options
@click.pass_obj
def reprocess(
    session: Session,
    scenes: tuple[str, ...],
    out: Path,
    settings: tuple[str, ...],
    timeout: float,
    memory: float | None,
) -> int:
    """Take SCENE (a path, or an id of DIR) through all stages again and show every number that moves.

    The new result replaces the old one; a later `plimsoll run` with other settings puts it back.
    """
    session.out = out
    limits = Limits(jobs=1, timeout=timeout, memory=memory)
    outcome, changes = _again(session, scenes, settings, limits)
    tell_scenes(outcome)
    tell_season(outcome.season)
    print_changes(changes)
    return exit_code(outcome)


def _again(
    session: Session, scenes: Sequence[str], settings: Sequence[str], limits: Limits
) -> tuple[BatchOutcome, dict[str, tuple[Change, ...]]]:
    from pipeline.ingest import prepare_environment

    prepare_environment()
    from pipeline.batch import Request, compare_snapshots, run_batch, take_snapshot
    from pipeline.config import parse_settings, update_config
    from pipeline.store import Store

    out = folder_of(session)
    deliveries, setting, before = _ask(out, scenes)
    request = Request(
        deliveries=deliveries,
        out=out,
        site=setting.site,
        fleet=setting.fleet,
        config=update_config(setting.config, parse_settings(settings)),
        force=True,
        beyond=setting.beyond,
    )
    with show_progress() as report:
        outcome = run_batch(
            request, limits.pool(), report=report, log=lambda text: _say_log(session.write_log(text))
        )
    with Store.open(out) as store:
        return outcome, compare_snapshots(before, take_snapshot(store))


def _say_log(path: Path) -> None:
    say(f"the traceback is in {path}")


def _ask(out: Path, scenes: Sequence[str]) -> tuple[tuple[Delivery, ...], Setting, Snapshot]:
    """The deliveries that `scenes` mean, the setting of the folder or the default, what it says now."""
    from pipeline.batch import Setting, find_scenes, read_setting, take_snapshot
    from pipeline.config import Config
    from pipeline.ingest import read_fleet, read_site
    from pipeline.store import Store

    rows: tuple[SceneRow, ...] = ()
    before: Snapshot = {}
    setting = None
    if (out / "plimsoll.db").exists():
        with Store.open(out) as store:
            rows, before, setting = store.scenes(), take_snapshot(store), read_setting(store)
    deliveries, _ = find_scenes(scenes, rows)
    if not deliveries:
        raise UsageError(
            f"{', '.join(scenes)}: no scene there", hint="name a scene's id, its file or its folder"
        )
    if setting is None:
        setting = Setting(site=read_site(SITE), fleet=read_fleet(None), config=Config())
    return deliveries, setting, before


@click.command(
    epilog="""\b
Examples:
  plimsoll annotate S2A_20240810
  plimsoll annotate scenes/skysat_20240812.json --out august"""
)
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE...")
@out_option
@limit_options
@click.pass_obj
def annotate(
    session: Session, scenes: tuple[str, ...], out: Path, timeout: float, memory: float | None
) -> int:
    """Draw annotated.png and annotated.tif of SCENE (a path, or an id of DIR).

    A scene that DIR does not know yet is measured first.
    """
    from pipeline.ingest import prepare_environment

    prepare_environment()
    from pipeline.batch import Request, draw_again, run_batch

    session.out = out
    executor = Limits(jobs=1, timeout=timeout, memory=memory).pool()
    deliveries, setting, _ = _ask(out, scenes)
    new = tuple(d for d in deliveries if str(d.path) not in _paths(out))
    if new:
        request = Request(
            deliveries=new,
            out=out,
            site=setting.site,
            fleet=setting.fleet,
            config=setting.config,
            beyond=setting.beyond,
        )
        tell_scenes(run_batch(request, executor, log=lambda text: _say_log(session.write_log(text))))
    drawn = draw_again(out, deliveries, executor)
    for scene_id, made in drawn:
        if isinstance(made, str):
            say(f"refused: {scene_id}: {made}")
        else:
            for path in made:
                click.echo(path)
    good = sum(not isinstance(made, str) for _, made in drawn)
    if good == len(drawn) and good:
        return ending.DONE
    return ending.SOME_REFUSED if good else ending.NOTHING


def _paths(out: Path) -> set[str]:
    """Paths of the deliveries that the folder has a result of."""
    from pipeline.store import Store

    if not (out / "plimsoll.db").exists():
        return set()
    with Store.open(out) as store:
        return {row.path for row in store.scenes() if row.is_measured}
