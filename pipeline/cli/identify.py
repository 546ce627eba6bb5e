"""`plimsoll identify` and `plimsoll read`: what a person signs binds, and survives every rerun."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli import ending
from pipeline.cli.display import print_changes, print_table, tell_stale
from pipeline.cli.ending import Session, folder_of, say
from pipeline.cli.options import json_option, out_option
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.batch import Said
    from pipeline.store import SignedRow

_BY = click.option("--by", metavar="NAME", help="Who says so; kept with the time.")
_NOTE = click.option("--note", default="", metavar="TEXT", help="Why; kept with the word.")
_WITHDRAW = click.option("--withdraw", is_flag=True, help="What was signed on SIGHTING holds no more.")


@click.command(
    epilog="""\b
Examples:
  plimsoll identify                                    what was signed, in order
  plimsoll identify S2A_20240810/d1 --imo 8660313 --by "A. Analyst"
  plimsoll identify 20240810-b1 --imo 8660313 --by "A. Analyst"     a visit, by its last sighting
  plimsoll identify S2A_20240810/d1 --none --by "A. Analyst" --note "two funnels"
  plimsoll identify S2A_20240810/d1 --withdraw --by "A. Analyst"

A word is never removed or changed: a later one on the same sighting takes its place."""
)
@click.argument("sighting", required=False, metavar="[SIGHTING]")
@click.option("--imo", type=int, metavar="NUMBER", help="Who she is.")
@click.option("--none", "nobody", is_flag=True, help="She is none of the register's ships.")
@_WITHDRAW
@_BY
@_NOTE
@out_option
@json_option
@click.pass_obj
def identify(session: Session, /, sighting: str | None, **given: Any) -> int:
    """Sign who SIGHTING is: SCENE/SHIP, or a visit; without SIGHTING, list what is signed.

    The word binds: visits, loads and barrels follow it, whatever is run again.
    """
    session.out = given["out"]
    if sighting is None:
        if given["imo"] is not None or given["nobody"] or given["withdraw"]:
            raise UsageError(
                "no sighting is named", hint="plimsoll identify SCENE/SHIP --imo NUMBER --by NAME"
            )
        return _list_signed(session, as_json=given["as_json"])
    if (given["imo"] is not None) + given["nobody"] + given["withdraw"] != 1:
        raise UsageError("say one of --imo NUMBER, --none, --withdraw")
    if given["imo"] is not None:
        _check_imo(given["imo"], given["out"])
    from pipeline.batch import Said

    said = Said(
        kind="identity",
        by=_signer(given["by"]),
        imo=given["imo"],
        withdrawn=given["withdraw"],
        note=given["note"],
    )
    return _sign(session, sighting, said)


@click.command(
    epilog="""\b
Examples:
  plimsoll read skysat_20240812/d2 --freeboard 2.4 --sigma 0.2 --by "A. Analyst" --note "draught marks"
  plimsoll read skysat_20240812/d2 --withdraw --by "A. Analyst"

What was read is listed by `plimsoll identify`."""
)
@click.argument("sighting", metavar="SIGHTING")
@click.option(
    "--freeboard",
    type=click.FloatRange(0, 12),
    metavar="M",
    help="Main deck edge at side above the water, amidships.",
)
@click.option("--sigma", type=click.FloatRange(0.02, 5), metavar="M", help="One standard deviation.")
@_WITHDRAW
@_BY
@_NOTE
@out_option
@click.pass_obj
def read(session: Session, /, sighting: str, **given: Any) -> int:
    """Sign a freeboard that a person read of SIGHTING (SCENE/SHIP), from draught marks or a photograph.

    It enters as one more likelihood beside what the image says; load, visit and barrels follow.
    """
    session.out = given["out"]
    whole = given["freeboard"] is not None and given["sigma"] is not None
    partly = given["freeboard"] is not None or given["sigma"] is not None
    if given["withdraw"] == partly or whole != partly:
        raise UsageError("say --freeboard M and --sigma M, or --withdraw alone")
    from pipeline.batch import Said

    said = Said(
        kind="reading",
        by=_signer(given["by"]),
        freeboard=given["freeboard"],
        sigma=given["sigma"],
        withdrawn=given["withdraw"],
        note=given["note"],
    )
    return _sign(session, sighting, said)


def _signer(by: str | None) -> str:
    name = "" if by is None else " ".join(by.split())
    if not name:
        raise UsageError("whose word is it?", hint="--by NAME")
    return name


def _check_imo(imo: int, out: Path) -> None:
    """Raise UsageError where the register has no such ship and the check digit says that of a slip."""
    from pipeline.batch import read_setting
    from pipeline.store import Store

    with Store.open(out) as store:
        setting = read_setting(store)
    if setting is not None and any(ship.imo == imo for ship in setting.fleet):
        return
    digits = [int(d) for d in str(abs(imo))]
    weighted = sum(d * w for d, w in zip(digits[:6], range(7, 1, -1), strict=False))
    if len(digits) != 7 or imo < 0 or weighted % 10 != digits[6]:
        raise UsageError(
            f"{imo}: not in the register, and no IMO number (its check digit does not fit)",
            hint="look for a slip of the pen; or give the register that has her with --fleet to plimsoll run",
        )
    say(f"note: IMO {imo} is not in the register: her particulars are estimated from what is seen")


def _sign(session: Session, sighting: str, said: Said) -> int:
    """Keep the word, make the season anew, and show what moved."""
    from datetime import UTC, datetime

    from pipeline.batch import compare_snapshots, remake_season, sign, take_snapshot
    from pipeline.store import Store

    out = folder_of(session)
    with Store.open(out) as store:
        before = take_snapshot(store)
    row = sign(out, _sighting_of(out, sighting), said, now=datetime.now(UTC))
    say(f"signed: {_words(row)} ({row.by}, {row.at})")
    season = remake_season(out)
    with Store.open(out) as store:
        after = take_snapshot(store)
    print_changes(compare_snapshots(before, after))
    tell_stale(season)
    return ending.DONE


def _sighting_of(out: Path, name: str) -> str:
    """The sighting itself, or the last one of the visit of this name."""
    from pipeline.cli.season import current_season

    for visit in current_season(out).visits.visits if "/" not in name else ():
        if visit.visit_id == name and visit.scene_ids:
            return f"{visit.scene_ids[-1]}/{visit.detection_ids[-1]}"
    return name


def _words(row: SignedRow) -> str:
    """As "look-1/d1 is IMO 8660313"."""
    where = f"{row.scene_id}/{row.detection_id}"
    if row.withdrawn:
        return f"{where}: the signed {row.kind} is withdrawn"
    if row.kind == "reading":
        return f"{where}: freeboard {row.freeboard:g} ± {row.sigma:g} m"
    return f"{where} is IMO {row.imo}" if row.imo is not None else f"{where} is none of the register's ships"


def _list_signed(session: Session, *, as_json: bool) -> int:
    """Print all that was signed, in order; what holds no more is said to."""
    from pipeline.store import Store, plain_to_json, to_plain

    with Store.open(folder_of(session)) as store:
        rows = store.signed()
    if as_json:
        click.echo(plain_to_json([to_plain(row) for row in rows]), nl=False)
        return ending.DONE
    if not rows:
        say("nothing was signed in this folder")
        return ending.DONE
    print_table(
        ("no.", "time (UTC)", "by", "word", "note"),
        [(str(row.number), row.at, row.by, _words(row), row.note or "-") for row in rows],
    )
    return ending.DONE
