"""What a batch is asked, and what its results depend on, as records and hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.batch.records import Measured
from pipeline.batch.setting import Setting
from pipeline.config import Config, VolumeConfig
from pipeline.datatypes import Ship, Site
from pipeline.errors import Refused
from pipeline.products import SceneResult, Software
from pipeline.run import SCHEMA_VERSION
from pipeline.store import SceneRow, Status, format_time, from_json, to_json

if TYPE_CHECKING:
    from pipeline.ingest import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a batch."""

    deliveries: tuple[Delivery, ...]
    out: Path
    site: Site
    fleet: tuple[Ship, ...]
    config: Config
    force: bool = False
    beyond: tuple[Site, ...] = ()
    """Further sites, where a visit may go on."""

    @property
    def setting(self) -> Setting:
        """What of it a folder remembers."""
        return Setting(site=self.site, fleet=self.fleet, config=self.config, beyond=self.beyond)


def canonical(request: Request) -> Request:
    """Sites and register as the store keeps them, so that a later command sees the same numbers."""
    return replace(
        request,
        site=from_json(Site, to_json(request.site)),
        fleet=tuple(from_json(Ship, to_json(ship)) for ship in request.fleet),
        beyond=tuple(from_json(Site, to_json(site)) for site in request.beyond),
    )


def hash_text(text: str) -> str:
    """sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def hash_fleet(fleet: Sequence[Ship]) -> str:
    """sha256 of a register."""
    return hash_text("".join(to_json(ship) for ship in fleet))


def scene_config(config: Config) -> Config:
    """The settings that a scene's result depends on: all but those of the barrels."""
    return replace(config, volume=VolumeConfig())


def survey_salt(site: Site, config: Config) -> str:
    """What a survey depends on beside its scene's bytes."""
    parts = Config(ingest=config.ingest, clouds=config.clouds).sha256()
    return f"{hash_text(to_json(site))} {parts} {code_version()}"


@lru_cache(maxsize=1)
def code_version() -> str:
    """The version, with a hash of the code: a checkout that was edited is another version."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        part = path.relative_to(package).parts[0]
        if part not in {"cli", "simulate"}:
            digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:16]}"


def describe_software(request: Request, site: Site) -> Software:
    """What makes the results of a request at one of its sites."""
    from pipeline.ingest import read_quays

    quays = read_quays()
    return Software(
        version=__version__,
        models={
            "register": hash_fleet(request.fleet),
            f"site/{site.id}": hash_text(to_json(site)),
            quays.forest.name: quays.forest.sha256,
            f"{quays.network.name}/network": quays.network.sha256,
        },
        config_sha256=scene_config(request.config).sha256(),
    )


def empty_result(scene_id: str, request: Request, reason: Refused) -> SceneResult:
    """A refused scene of which nothing is known."""
    return SceneResult(
        schema_version=SCHEMA_VERSION,
        scene_id=scene_id,
        datetime=None,
        platform=None,
        gsd=None,
        crs=None,
        inputs=(),
        software=describe_software(request, request.site),
        status="refused",
        reason=reason,
    )


def unread_row(delivery: Delivery, result: SceneResult, status: Status) -> SceneRow:
    """What the store keeps of a delivery that was not measured: `result` says why."""
    reason = result.reason or Refused(code=status, message="")
    return SceneRow(
        scene_id=result.scene_id,
        path=str(delivery.path),
        kind=delivery.kind,
        name=delivery.name,
        content="",
        images="",
        key="",
        status=status,
        code=reason.code,
        message=reason.message,
        acquired=None if result.datetime is None else format_time(result.datetime),
        result=to_json(result).encode(),
    )


def describe_result(made: Measured) -> str:
    """One line on a scene, for the progress."""
    if made.refused is not None:
        return f"{made.refused.code}: {made.refused.message}"
    ships = json.loads(made.result)["detections"]
    measured = sum(ship["freeboard"] is not None for ship in ships)
    return f"{len(ships)} ship{'s' * (len(ships) != 1)}, {measured} measured"
