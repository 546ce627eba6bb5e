"""What goes to a child process and what comes back: paths and small records, never pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline.config import Config
from pipeline.datatypes import InputFile, Scene, Ship, Site
from pipeline.errors import Refused
from pipeline.products import Software
from pipeline.store import SurveyRow

if TYPE_CHECKING:
    from pipeline.ingest import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class LookJob:
    """Read a delivery's metadata; where it meets the site, survey the site's water if that is wanted now."""

    delivery: Delivery
    sites: tuple[tuple[Site, str], ...]
    """Each with what its surveys depend on beside the scene's bytes; a scene is one of the first it meets."""
    config: Config
    known: frozenset[str]
    """Keys of surveys that need not be done again."""
    survey: bool
    """False: there are too few looks for a memory yet, and the water is surveyed when it is measured."""
    work: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a first look at a delivery gave."""

    delivery: Delivery
    scene: Scene | None
    refused: Refused | None
    """Why there is no scene."""
    inputs: tuple[InputFile, ...]
    content: str
    """sha256 over the hashes of its files; '' where none could be read."""
    images: str
    """sha256 over the hashes of its images alone: the same for one scene delivered twice."""
    cells: str | None = None
    """The site's own grid for this scene's gsd, JSON; None outside every site."""
    site: str | None = None
    """The id of the site it meets."""
    unsurveyed: str | None = None
    """The key of the survey that is still to be made."""
    survey: SurveyRow | None = None
    """Only where it was not known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureJob:
    """Take one scene through all stages."""

    scene: Scene
    site: Site
    fleet: tuple[Ship, ...]
    config: Config
    software: Software
    memory: Path | None
    """The terminal's memory, in the work folder."""
    clouds: Path
    """Where the first look left cloud masks, in the work folder; it may have left none."""
    unsurveyed: str | None = None
    """The key of a survey to be made on the way."""
    work: Path
    """The scene's own folder in the work folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureJob:
    """Draw a result again."""

    delivery: Delivery
    scene_id: str
    content: str
    site: Site
    config: Config
    result: bytes
    """result.json"""
    work: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A finished picture in the work folder."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a child made of a scene."""

    result: bytes
    """result.json"""
    refused: Refused | None
    pictures: tuple[Picture, ...]
    survey: SurveyRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a child brought nothing back."""

    kind: Literal["failed", "crashed", "disk"]
    """"failed": an exception nobody foresaw; "crashed": signal, memory or time; "disk": the output folder."""
    message: str
    trace: str = ""
