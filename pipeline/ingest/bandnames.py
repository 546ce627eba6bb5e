"""Names of bands: from vendors' and standards' names to the common names of `datatypes.Band`."""

from __future__ import annotations

import re
from typing import Final

SENTINEL2: Final = {
    "B01": "coastal",
    "B02": "blue",
    "B03": "green",
    "B04": "red",
    "B05": "rededge071",
    "B06": "rededge075",
    "B07": "rededge078",
    "B08": "nir",
    "B8A": "nir08",
    "B09": "nir09",
    "B10": "cirrus",
    "B11": "swir16",
    "B12": "swir22",
}
"""Sentinel-2 MSI, by the STAC EO extension 1.1 and 2.0."""

PLANET: Final = {
    1: ("pan",),
    3: ("red", "green", "blue"),
    4: ("blue", "green", "red", "nir"),
    5: ("blue", "green", "red", "rededge", "nir"),
    8: ("coastal", "blue", "green05", "green", "yellow", "red", "rededge", "nir"),
}
"""PlanetScope, SkySat and RapidEye analytic products by number of bands (Planet's product specification)."""

MAXAR: Final = {
    "BAND_P": "pan",
    "BAND_C": "coastal",
    "BAND_B": "blue",
    "BAND_G": "green",
    "BAND_Y": "yellow",
    "BAND_R": "red",
    "BAND_RE": "rededge",
    "BAND_N": "nir",
    "BAND_N2": "nir09",
}

DIMAP: Final = {
    "P": "pan",
    "PAN": "pan",
    "DB": "coastal",
    "B0": "blue",
    "B": "blue",
    "B1": "green",
    "G": "green",
    "B2": "red",
    "R": "red",
    "RE": "rededge",
    "B3": "nir",
    "N": "nir",
    "NIR": "nir",
}
"""Pleiades and SPOT count from B0 = blue; Pleiades Neo uses letters."""

_COMMON: Final = frozenset(
    {*SENTINEL2.values(), *PLANET[8], "rededge", "pan", "nir", "lwir", "lwir11", "lwir12", "swir"}
)
_TOKEN = re.compile(r"(?<![A-Za-z0-9])B(0?[1-9]|1[0-2]|8A)(?![A-Za-z0-9])", re.IGNORECASE)


def split_band_token(stem: str) -> tuple[str, str] | None:
    """("B02", the name without it) of a file name that holds one Sentinel-2 band, else None."""
    found = list(_TOKEN.finditer(stem))
    if len(found) != 1:
        return None
    token = found[0].group(1).upper()
    name = "B8A" if token == "8A" else f"B{int(token):02d}"
    return name, stem[: found[0].start()] + stem[found[0].end() :]


def common_name(name: str | None, *, platform: str | None = None) -> str | None:
    """The common name for what a file or an item calls a band; None where it says nothing."""
    if not name:
        return None
    lower = name.strip().lower()
    if lower in ("pan", "panchromatic"):
        return "pan"
    if lower in _COMMON:
        return lower
    token = split_band_token(name.strip())
    # "B1" is the coastal band of Sentinel-2 and the green one of Pleiades: two digits, or a platform, decide
    if token and ("sentinel-2" in (platform or "").lower() or lower == token[0].lower()):
        return SENTINEL2[token[0]]
    return None
