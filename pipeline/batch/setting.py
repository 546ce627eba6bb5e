"""What a folder was told: its sites, register and settings, as the store keeps them for later commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from pipeline.config import Config, update_config
from pipeline.datatypes import Ship, Site
from pipeline.store import Store, from_json, to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Sites, register and settings of the last run into a folder."""

    site: Site
    """The terminal, whose visits and barrels are counted."""
    fleet: tuple[Ship, ...]
    config: Config
    beyond: tuple[Site, ...] = ()
    """Further sites, where a visit may go on."""

    @property
    def sites(self) -> tuple[Site, ...]:
        """All of them, the terminal first."""
        return (self.site, *self.beyond)

    def site_of(self, site_id: str | None) -> Site:
        """The site of a scene; the terminal for a scene of none."""
        return next((site for site in self.beyond if site.id == site_id), self.site)


def join_sites(sites: Sequence[Site]) -> Site:
    """The first site with the berths and anchorages of all: what maps and places are drawn from."""
    others = [f for site in sites[1:] for f in site.features]
    return replace(sites[0], features=(*sites[0].features, *others)) if others else sites[0]


def read_setting(store: Store) -> Setting | None:
    """What the last run into the folder was told; None before the first.

    Raises
    ------
    ConfigError
        A setting of then does not exist any more.
    """
    known = store.settings()
    if not {"site", "fleet", "config"} <= known.keys():
        return None
    return Setting(
        site=from_json(Site, known["site"]),
        fleet=from_json(tuple[Ship, ...], known["fleet"]),
        config=update_config(Config(), json.loads(known["config"])),
        beyond=from_json(tuple[Site, ...], known.get("beyond", "[]")),
    )


def write_setting(store: Store, setting: Setting) -> None:
    """Keep it for later commands."""
    store.commit_settings(
        {
            "site": to_json(setting.site),
            "fleet": "[" + ",".join(to_json(ship) for ship in setting.fleet) + "]",
            "config": json.dumps(asdict(setting.config), sort_keys=True),
            "beyond": "[" + ",".join(to_json(site) for site in setting.beyond) + "]",
        }
    )
