"""Rational polynomials from the text files that vendors put beside an image."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pipeline.errors import InputError
from pipeline.ingest.opening import check_file

_OFFSETS: Final = {
    "LINE_OFF": "lineOffset",
    "SAMP_OFF": "sampOffset",
    "LAT_OFF": "latOffset",
    "LONG_OFF": "longOffset",
    "HEIGHT_OFF": "heightOffset",
    "LINE_SCALE": "lineScale",
    "SAMP_SCALE": "sampScale",
    "LAT_SCALE": "latScale",
    "LONG_SCALE": "longScale",
    "HEIGHT_SCALE": "heightScale",
}
_COEFFICIENTS: Final = {
    "LINE_NUM_COEFF": "lineNumCoef",
    "LINE_DEN_COEFF": "lineDenCoef",
    "SAMP_NUM_COEFF": "sampNumCoef",
    "SAMP_DEN_COEFF": "sampDenCoef",
}
_MAX_BYTES: Final = 2**20


def find_rpc(folder: Path, names: Sequence[str]) -> dict[str, str] | None:
    """The RPC of the first `*_RPC.TXT` or `*.RPB` among `names`, under GDAL's names; None without one.

    Raises
    ------
    InputError
        "metadata": the file is there and cannot be read.
    """
    for name in sorted(names):
        lower = name.lower()
        if lower.endswith("_rpc.txt"):
            return parse_rpc_text(_text(folder / name), name)
        if lower.endswith(".rpb"):
            return parse_rpb(_text(folder / name), name)
    return None


def _text(path: Path) -> str:
    if check_file(path, root=path.parent).st_size > _MAX_BYTES:
        raise InputError("too-large", f"{path.name}: too large for coefficients", hint="fetch it again")
    return path.read_text(encoding="utf-8", errors="replace")


def parse_rpc_text(text: str, name: str) -> dict[str, str]:
    """`LINE_OFF: +001234.00 pixels`, one a line; coefficients numbered _1 to _20.

    Raises
    ------
    InputError
        "metadata": one is missing.
    """
    values = dict(re.findall(r"^\s*([A-Z_]+\d*)\s*[:=]\s*([-+\d.eE]+)", text, re.MULTILINE))
    try:
        rpc = {key: values[key] for key in _OFFSETS}
        rpc |= {key: " ".join(values[f"{key}_{i}"] for i in range(1, 21)) for key in _COEFFICIENTS}
    except KeyError as error:
        raise InputError(
            "metadata", f"{name}: no {error.args[0]} in the RPC", hint="fetch it again"
        ) from error
    return rpc


def parse_rpb(text: str, name: str) -> dict[str, str]:
    """Maxar's RPB: `lineOffset = 1234;` and `lineNumCoef = ( a, b, ... );`.

    Raises
    ------
    InputError
        "metadata": one is missing.
    """
    values = dict(re.findall(r"(\w+)\s*=\s*([-+\d.eE]+)\s*;", text))
    lists = {
        key: re.findall(r"[-+\d.eE]+", body) for key, body in re.findall(r"(\w+)\s*=\s*\(([^)]*)\)", text)
    }
    return gather(values, lists, name)


def gather(values: Mapping[str, str], lists: Mapping[str, Sequence[str]], name: str) -> dict[str, str]:
    """GDAL's names from Maxar's, whatever their case.

    Raises
    ------
    InputError
        "metadata": one is missing, or has not 20 coefficients.
    """
    single = {k.lower(): v for k, v in values.items()}
    several = {k.lower(): v for k, v in lists.items()}
    try:
        rpc = {key: single[maxar.lower()] for key, maxar in _OFFSETS.items()}
        rpc |= {key: " ".join(several[maxar.lower()]) for key, maxar in _COEFFICIENTS.items()}
    except KeyError as error:
        raise InputError(
            "metadata", f"{name}: no {error.args[0]} in the RPC", hint="fetch it again"
        ) from error
    if any(len(rpc[key].split()) != 20 for key in _COEFFICIENTS):
        raise InputError(
            "metadata", f"{name}: the RPC do not have 20 coefficients each", hint="fetch it again"
        )
    return rpc
