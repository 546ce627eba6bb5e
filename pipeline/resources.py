"""Where the files shipped with the package are: in a checkout beside it, in a wheel inside it."""

from pathlib import Path

from pipeline.errors import PlimsollError

_PACKAGE = Path(__file__).resolve().parent


def find_resource(name: str) -> Path:
    """Folder of shipped data, `models` or `sample_scenes`.

    Raises
    ------
    PlimsollError
        The installation is incomplete.
    """
    for folder in (_PACKAGE / f"_{name}", _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise PlimsollError(f"{name}: not found in the installation", hint="reinstall plimsoll")
