"""The console script. Only click is imported here: a command is loaded when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

from pipeline import __version__

COMMANDS = {
    "run": ("pipeline.cli.run", "Scenes in, barrels out: every scene below INPUT through all stages."),
    "reprocess": ("pipeline.cli.scene", "One scene again, and what that moves, down to the barrels."),
    "annotate": ("pipeline.cli.scene", "The annotated image of a scene alone."),
    "identify": ("pipeline.cli.identify", "Sign who a sighting is; it binds, and survives every rerun."),
    "read": ("pipeline.cli.identify", "Sign a freeboard that a person read."),
    "visits": ("pipeline.cli.season", "The visits in a folder."),
    "volume": ("pipeline.cli.season", "The barrels in a folder."),
    "report": ("pipeline.cli.season", "One self-contained page on the season."),
    "plan": ("pipeline.cli.plan", "When a pass could measure a freeboard, and which pass to buy."),
    "export": ("pipeline.cli.season", "A KMZ for Google Earth, and a printable evidence sheet a visit."),
    "demo": ("pipeline.cli.run", "The sample season, from install to report; offline."),
}
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class LazyGroup(click.Group):
    """Commands by name; the module of one is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are needed."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, loaded."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    epilog="First steps: `plimsoll demo`. Then `plimsoll run FOLDER --site SITE.geojson`.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="plimsoll", message="%(prog)s %(version)s")
def plimsoll() -> None:
    """Satellite scenes in, barrels of oil loaded by tankers out, every figure with its interval."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the console script; ends the process with an exit code of the contract."""
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # before numpy: more threads would move sums
    from pipeline.cli.ending import Session, run_command

    sys.exit(run_command(plimsoll, arguments, Session()))
