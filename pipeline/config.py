"""Settings: one frozen record a stage, gathered in `Config`, read from TOML or `KEY=VALUE`.

An unknown key or a value of the wrong type is an error. A stage gets its own part and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pipeline.constants import DIESEL_DENSITY15
from pipeline.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestConfig:
    """What may be read."""

    max_pixels: int = 80_000_000
    """Pixels of one band that a chip may hold; more is refused before reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudsConfig:
    """Clouds and the outcome of a berth."""

    berth_clear_share: float = 0.7
    """A berth of which less than this is clear, and where no ship was seen, is obscured [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectConfig:
    """Finding ships."""

    min_length: float = 40.0
    """Shorter ships are not reported [m]."""
    max_length: float = 400.0
    """[m]"""
    min_score: float = 0.5
    """[1]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeboardConfig:
    """Measuring freeboard."""

    max_gsd: float = 3.5
    """Coarser images are not measured [m]."""
    max_expected_sigma: float = 0.8
    """Where the expected error is larger, the geometry is blind [m]."""
    max_coarse_share: float = 0.07
    """The same for pixels above 1.5 m, in beams of the ship, where that is more: enough to tell laden from
    ballast in 19 pairs of 20 [1]. Between the two her deck moves by 0.19 beams (load line rule and ballast
    draughts; 0.14 to 0.23 from 60 to 180 m), and classes d apart are told with an area under the curve of
    0.95 by sigma = d / 2.33; less the 0.04 beams that either class scatters by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadConfig:
    """From freeboard to tonnes."""

    consumables_share: float = 0.06
    """Of deadweight, at departure (Suban 2006 gives 5 to 10 % with stores) [1]."""
    consumables_share_sigma: float = 0.02
    edge_bias: float = 0.0
    """Of the deck edge that casts the shadow above the main deck at side [m]."""
    edge_bias_sigma: float = 0.12
    """Fishplate, gutter bar, gunwale radius: one constant a ship [m]."""
    ballast_prior: float = 0.45
    """Share of sightings in the ballast condition, before looking [1]."""
    draws: int = 4000
    seed: int = 2024


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitsConfig:
    """From detections to visits."""

    max_stay_days: float = 10.0
    """Two sightings further apart are two visits."""
    stay_median_days: float = 1.5
    """Prior median of a stay alongside."""
    stay_factor: float = 1.65
    """Prior geometric standard deviation of a stay."""
    unlisted_prior: float = 0.3
    """That a ship is in no row of the register, before looking [1]."""
    fill_mean: float = 0.92
    """Load fraction of a departure that was not measured, before the port's own departures [1]."""
    fill_sigma: float = 0.07


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeConfig:
    """From tonnes to barrels."""

    product: str = "diesel"
    density15: float = DIESEL_DENSITY15
    """[kg/m3]"""
    density15_sigma: float = 6.0
    """[kg/m3]"""
    cap: float = 500_000.0
    """Barrels a calendar year, UNSCR 2397 (2017)."""
    draws: int = 20_000
    seed: int = 2397


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings."""

    ingest: IngestConfig = field(default_factory=IngestConfig)
    clouds: CloudsConfig = field(default_factory=CloudsConfig)
    detect: DetectConfig = field(default_factory=DetectConfig)
    freeboard: FreeboardConfig = field(default_factory=FreeboardConfig)
    load: LoadConfig = field(default_factory=LoadConfig)
    visits: VisitsConfig = field(default_factory=VisitsConfig)
    volume: VolumeConfig = field(default_factory=VolumeConfig)

    def sha256(self) -> str:
        """Of every setting, in one canonical form."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _coerce(name: str, value: Any, current: Any) -> Any:
    """`value` as the type of `current`.

    Raises
    ------
    ConfigError
        It is of another type.
    """
    wanted = type(current)
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise ConfigError(f"{name}: got {value!r}, expected a {wanted.__name__}")
    return value


def update_config(config: Config, settings: dict[str, Any]) -> Config:
    """`config` with nested `settings` ({stage: {key: value}}) replaced.

    Raises
    ------
    ConfigError
        A key does not exist or a value has the wrong type.
    """
    for stage, values in settings.items():
        if stage not in {f.name for f in fields(config)} or not isinstance(values, dict):
            known = ", ".join(f.name for f in fields(config))
            raise ConfigError(f"{stage}: no such part of the settings", hint=f"known parts: {known}")
        part = getattr(config, stage)
        known_keys = {f.name for f in fields(part)}
        for key, value in values.items():
            if key not in known_keys:
                raise ConfigError(
                    f"{stage}.{key}: no such setting", hint=f"known: {', '.join(sorted(known_keys))}"
                )
            part = replace(part, **{key: _coerce(f"{stage}.{key}", value, getattr(part, key))})
        config = replace(config, **{stage: part})
    return config


def parse_settings(pairs: Iterable[str]) -> dict[str, Any]:
    """{stage: {key: value}} from `stage.key=value` strings; values are TOML, bare words are strings.

    Raises
    ------
    ConfigError
        A pair is not of this form.
    """
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        stage, dot, key = name.strip().partition(".")
        if not (equals and dot and key):
            raise ConfigError(f"{pair!r}: expected STAGE.KEY=VALUE", hint="e.g. --set detect.min_length=60")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text.strip()
        settings.setdefault(stage, {})[key] = value
    return settings


def read_config(path: Path) -> Config:
    """Settings from a TOML file over the defaults.

    Raises
    ------
    ConfigError
        The file is not TOML, or holds an unknown key.
    """
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: not readable as TOML: {error}") from error
    return update_config(Config(), settings)
