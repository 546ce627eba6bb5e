"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

OUT = "plimsoll-out"
SITE = "vostochny"


def out_option(command: Command) -> Command:
    """Add --out DIR."""
    option = click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=OUT,
        show_default=True,
        metavar="DIR",
        help="Folder of the results.",
    )
    return option(command)


def json_option(command: Command) -> Command:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="JSON on stdout instead of a table.")(command)


def jobs_option(command: Command) -> Command:
    """Add --jobs N."""
    option = click.option(
        "-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Scenes at once (default: all cores)."
    )
    return option(command)


def limit_options(command: Command) -> Command:
    """Add --timeout and --memory of one scene."""
    timeout = click.option(
        "--timeout",
        type=click.FloatRange(min=1),
        default=900.0,
        show_default=True,
        metavar="SECONDS",
        help="A scene that takes longer is given up.",
    )
    memory = click.option(
        "--memory",
        type=click.FloatRange(min=1),
        metavar="GIB",
        help="Memory one scene may take (default: its share of the machine, 3 to 12).",
    )
    return timeout(memory(command))


def set_option(command: Command) -> Command:
    """Add --set STAGE.KEY=VALUE."""
    option = click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="STAGE.KEY=VALUE",
        help="Change a setting, e.g. detect.min_length=60; may be given again.",
    )
    return option(command)
