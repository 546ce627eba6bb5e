"""How a command ends: exit codes, one line and one hint for an error, the traceback in a log."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click

from pipeline.errors import ConfigError, InputError, MissingExtraError, PlimsollError, StoreError, UsageError

DONE = 0
BUG = 1
USAGE = 2
SOME_REFUSED = 3
NOTHING = 4
FOLDER = 6
INTERRUPTED = 130

LOG = "plimsoll.log"


@dataclass(slots=True)
class Session:
    """What the end of a command must know of its course."""

    out: Path | None = None
    """The output folder, once it is known."""

    def write_log(self, text: str) -> Path:
        """Append to the log and say where it is; beside the results where that can be written."""
        from datetime import UTC, datetime

        stamped = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text.rstrip()}\n"
        places = [self.out] if self.out is not None and self.out.is_dir() else []
        for folder in [*places, Path(tempfile.gettempdir())]:
            try:
                with (folder / LOG).open("a", encoding="utf-8") as file:
                    file.write(stamped)
            except OSError:
                continue
            return folder / LOG
        return Path(os.devnull)


def folder_of(session: Session) -> Path:
    """The output folder of a command that has one."""
    assert session.out is not None
    return session.out


def say(text: str) -> None:
    """One line to stderr."""
    click.echo(text, err=True)


def exit_code_of(error: PlimsollError) -> int:
    """The exit code of an error raised on purpose."""
    if isinstance(error, (UsageError, ConfigError, MissingExtraError)):
        return USAGE
    if isinstance(error, StoreError):
        return FOLDER
    return NOTHING if isinstance(error, InputError) else BUG


def run_command(command: click.Command, arguments: Sequence[str] | None, session: Session) -> int:
    """Run `command` and turn whatever ends it into an exit code."""
    _stop_on_termination()
    try:
        code = command.main(
            args=None if arguments is None else list(arguments),
            prog_name="plimsoll",
            standalone_mode=False,
            obj=session,
        )
    except click.exceptions.Exit as end:
        return int(end.exit_code)
    except (KeyboardInterrupt, click.Abort):
        say("interrupted: what is done stays done; the same command goes on from here")
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return USAGE
    except BrokenPipeError:
        _close_stdout()
        return DONE
    except PlimsollError as error:
        return _tell(error, session)
    except Exception as error:
        return _tell_bug(error, session)
    return code if isinstance(code, int) else DONE


def _tell(error: PlimsollError, session: Session) -> int:
    code = exit_code_of(error)
    if code == BUG:
        return _tell_bug(error, session)
    say(f"error: {error}")
    if error.hint:
        say(f"hint:  {error.hint}")
    return code


def _tell_bug(error: Exception, session: Session) -> int:
    import traceback

    path = session.write_log("".join(traceback.format_exception(error)))
    first = (str(error).splitlines() or [""])[0]
    say(f"error: {type(error).__name__}: {first}")
    say(f"hint:  this is a bug of plimsoll; the traceback is in {path}")
    return BUG


def _stop_on_termination() -> None:
    """SIGTERM ends a command as Ctrl-C does: clean, and safe to repeat."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


def _close_stdout() -> None:
    """The reader of stdout went away: leave without a word."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
