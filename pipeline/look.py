"""A look at a scene: its pixels, what hides the ground in them, and what is known of the terminal.

for each piece of a scene (one, where it is not too large): read_chip -> find_clouds -> survey_water
over all scenes of a terminal: learn_structure
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline.config import Config
from pipeline.datatypes import BoolArray, Chip, CloudMask, Detection, Grid, Polygon, Scene, Site
from pipeline.pieces import area_of, areas_of, meets_site
from pipeline.tiles import Tile, own_part, plan_tiles

if TYPE_CHECKING:
    from pipeline.detect import Sea, Structure

MEMORY_LOOKS = 12
"""The terminal is learned from this many of its first clear looks, and from no later ones."""
_FAR = 2000.0
"""What lies farther from a ship says nothing of her anyway [m]."""
CLEAR_LOOK = 0.6
"""A look counts towards the memory where at least this share of the site was seen; where no look ever saw so
much, because only pieces of the site are read, this share of what the best look saw [1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Memory:
    """The empty terminal, known from its looks."""

    cells: Grid
    empty: npt.NDArray[np.uint8]
    """(row, col) on `cells`: 0 not known, 1 water, from 2 on how bright is what always stands there."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """Where one look saw water, on the site's own cells."""

    cells: Grid
    seen: npt.NDArray[np.uint8]
    """(row, col): 0 not seen, 1 water, from 2 on how far something stands out of it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """One scene's pixels, or those of one piece of it, and what hides the ground in them."""

    scene: Scene
    chip: Chip
    clouds: CloudMask
    site: Site | None
    """The site where the scene meets it, else None."""
    own: Polygon | None = None
    """(lon, lat): what a tile of a large scene speaks for; None = all that was read."""


def tiles_of(scene: Scene, site: Site | None, config: Config) -> tuple[Tile, ...]:
    """The tiles of a scene that does not meet the site and is too large to be held; else none."""
    if site is not None and meets_site(scene, site):
        return ()
    return plan_tiles(scene, config.ingest.max_pixels)


def pieces_of(scene: Scene, site: Site | None, config: Config) -> tuple[Polygon | None, ...]:
    """The areas to read one after the other; (None,), the whole scene, where it does not meet the site."""
    if site is None or not meets_site(scene, site):
        return tuple(tile.area for tile in tiles_of(scene, site, config)) or (None,)
    return areas_of(site, scene, config.ingest.max_pixels)


def look_at(
    scene: Scene,
    site: Site | None,
    config: Config,
    *,
    area: Polygon | None = None,
    clouds: CloudMask | None = None,
) -> Look:
    """Read a scene's pixels, of the site where it meets it, and find what hides the ground.

    `area` is one of `pieces_of`, else all of the site's area in one piece. `clouds` may come from an earlier
    look at the same bytes with the same settings.

    Raises
    ------
    InputError
        The pixels cannot be read.
    """
    from pipeline.clouds import find_clouds
    from pipeline.ingest import read_chip

    here = site if site is not None and meets_site(scene, site) else None
    wanted = area if here is None else area or area_of(here)
    chip = read_chip(scene, aoi=wanted, config=config.ingest)
    if clouds is None or clouds.cloudy.shape != chip.valid.shape:
        clouds = find_clouds(chip, scene.geometry, config=config.clouds)
    return Look(scene=scene, chip=chip, clouds=clouds, site=here)


def own_pixels(look: Look) -> tuple[slice, slice]:
    """What the look speaks for, as an index into its pixels."""
    return np.s_[:, :] if look.own is None else own_part(look.chip.grid, look.own)


def survey_site(look: Look, sea: Sea | None = None) -> Survey | None:
    """Where the look saw water on the site's own cells; None outside the site.

    `sea`: what a search told of the look's, if it told it in one piece.
    """
    from pipeline.detect import site_cells, survey_water

    if look.site is None:
        return None
    cells = site_cells(look.site, look.scene.gsd)
    return Survey(cells=cells, seen=survey_water(look.chip, look.clouds, cells, sea))


def join_surveys(surveys: Sequence[Survey]) -> Survey:
    """The surveys of a scene's pieces as one."""
    return replace(surveys[0], seen=np.maximum.reduce([survey.seen for survey in surveys]))


def learn_memory(surveys: Sequence[Survey]) -> Memory | None:
    """Fixed structure from surveys on the same cells, in the order of time; None while too few were clear."""
    from pipeline.detect import learn_structure

    shares = [float(np.mean(survey.seen > 0)) for survey in surveys]
    best = max(shares, default=0.0)
    enough = CLEAR_LOOK if best >= CLEAR_LOOK else CLEAR_LOOK * best
    clear = [s for s, share in zip(surveys, shares, strict=True) if share >= enough > 0][:MEMORY_LOOKS]
    empty = learn_structure([s.seen for s in clear])
    return None if empty is None else Memory(cells=clear[0].cells, empty=empty)


def known_structure(look: Look, memory: Memory | None) -> Structure | None:
    """Land and what is known to stand in the water, on the chip's grid; None where nothing is known."""
    from pipeline.detect import open_berths, project_structure
    from pipeline.geometry import polygon_mask

    if look.site is None:
        return None
    outlines = look.site.of_role("land")
    if memory is None and not outlines:
        return None
    land = np.zeros(look.chip.valid.shape, bool)
    for feature in outlines:
        land |= polygon_mask(look.chip.grid, feature.outline)
    empty, cells = (None, None) if memory is None else (memory.empty, memory.cells)
    known = project_structure(empty, cells, land, look.chip.grid)
    return open_berths(known, look.site, look.chip.grid)


def hidden_pixels(
    look: Look, detection: Detection, others: Sequence[Detection], known: Structure | None
) -> BoolArray:
    """(row, col), True where a pixel says nothing of this ship or of the water beside her.

    Cloud and cloud shadow hide her too; land, structure and other ships never reach inside her own outline,
    where the register of the site may simply be a few metres off.
    """
    from pipeline.geometry import fill_outline

    grid = look.chip.grid
    blocked = np.zeros(grid.shape, bool) if known is None else known.fixed.copy()
    for other in others:
        if np.hypot(*np.subtract(other.centre, detection.centre)) < _FAR:
            fill_outline(blocked, grid, other.outline, True)
    fill_outline(blocked, grid, detection.outline, False)
    for hidden in (look.clouds.cloudy, look.clouds.shadowed, ~look.chip.valid):
        blocked |= hidden
    return blocked
