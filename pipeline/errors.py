"""What can go wrong, named. One flat family; an expected outcome is data (`Refused`), not an exception."""

from dataclasses import dataclass


class PlimsollError(Exception):
    """Base of every error raised on purpose. `str(error)` is one line; `hint` names the way out."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InputError(PlimsollError):
    """An input that cannot be used: becomes a refused scene with this code, and the batch goes on."""

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code

    def __reduce__(self) -> tuple[object, ...]:
        """Keep code and hint when the error crosses a process boundary."""
        return (_input_error, (self.code, str(self), self.hint))


def _input_error(code: str, message: str, hint: str) -> InputError:
    return InputError(code, message, hint=hint)


class UsageError(PlimsollError):
    """The command was called in a way that cannot be carried out (exit code 2)."""


class ConfigError(PlimsollError):
    """A setting that does not exist or has an impossible value (exit code 2)."""


class StoreError(PlimsollError):
    """The output folder is busy, read-only, damaged or full (exit code 6)."""


class MissingExtraError(PlimsollError):
    """A part that needs an optional dependency which is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An expected "no": why a scene was not used or a quantity cannot be known."""

    code: str
    """One of the codes of the contract, e.g. `geometry-blind`."""
    message: str
    """One sentence: what was found, what was expected, the way out."""
