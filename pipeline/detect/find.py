"""Ships in a chip, described: outline, heading, length, beam, kind, each with how sure it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.config import DetectConfig
from pipeline.datatypes import (
    BoolArray,
    Chip,
    CloudMask,
    Detection,
    Grid,
    QuayModel,
    ShipKind,
    ViewGeometry,
    Window,
)
from pipeline.detect.blocks import SIDE, Block, grow, join_ships, margin_px, own_ships, plan_blocks, wanted_of
from pipeline.detect.bodies import Found, Looked, fill_polygon, window_about
from pipeline.detect.coarse import find_coarse
from pipeline.detect.colour import FINE_GSD
from pipeline.detect.dark import Sun
from pipeline.detect.deck import Deck, judge_bow, judge_kind, sample_deck
from pipeline.detect.glance import find_places
from pipeline.detect.hulls import find_hulls
from pipeline.detect.lean import to_waterline
from pipeline.detect.outline import Box, hull_polygon, waterline_polygon
from pipeline.detect.scale import clear_of_clouds, cut_chip, reduce_share
from pipeline.detect.sea import Sea, find_sea
from pipeline.detect.structure import Structure, without_structure
from pipeline.detect.water import may_be_water, tells_water
from pipeline.geometry import crop_grid, ground_to_lonlat

_SIDE = 0.08
"""Of the beam: a side that the satellite sees widens her by freeboard times tan(incidence) at most [1]."""
_ABOUT, _ABOUT_PX, _WET = 25.0, 6.0, 0.1
"""Around a ship's box, by so many metres and pixels, for it is told some way off only, water covers at least
this share [1]: at a quay with others beside her, too."""
_DOUBLE = 0.3
"""Two hulls that share more than this of the smaller one are one ship [1]."""
_CUT = {"wake": 0.2, "cut-by-edge": 0.5, "part-clouded": 0.5}
"""What the length may be off by where foam may have been taken for hull, or an end is hidden [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search found, or why it found nothing."""

    ships: tuple[Detection, ...]
    water: bool = True
    """False where most of the chip can be seen and none of it is water."""
    sea: Sea | None = None
    """What was told of it in one piece."""


def find_ships(
    chip: Chip,
    clouds: CloudMask,
    *,
    known: Structure | None,
    config: DetectConfig,
    view: ViewGeometry | None = None,
    quays: QuayModel | None = None,
) -> tuple[Detection, ...]:
    """The ships that `search_ships` finds."""
    return search_ships(chip, clouds, known=known, config=config, view=view, quays=quays).ships


def search_ships(
    chip: Chip,
    clouds: CloudMask,
    *,
    known: Structure | None,
    config: DetectConfig,
    view: ViewGeometry | None = None,
    quays: QuayModel | None = None,
) -> Search:
    """Every ship of the chip with her outline at the waterline, from north-west to south-east.

    Parameters
    ----------
    known
        Land and the empty terminal; None where nothing is known, and quays are then told from ships by
        width alone.
    view
        By which outlines are brought from where a hull is seen to where she floats; None: left as seen.
    quays
        What was learned of ships at unknown quays, for coarse pixels with the bands it asks for; None: they
        are told by the steps that they make in a waterfront.

    Notes
    -----
    A body that stands out of the local water is fitted with a box; coarse pixels by moments and half-height
    edges of their linear mixture, fine ones by the extent of what is bright. Large coarse images are worked
    on by blocks, as `stream_ships` does.
    """
    if chip.grid.gsd <= FINE_GSD:
        return _find_at_once(chip, clouds, (known, quays, view), config)

    def read(block: Block) -> Seen:
        return _cut_seen(block, chip, clouds, known)

    ships = stream_ships(read, chip.grid.shape, chip.grid.gsd, config=config, quays=quays)
    return Search(ships=ships, water=bool(ships) or _shows_water(chip, clouds))


Seen = tuple[Chip, CloudMask, Structure | None]
"""What is seen in a window, what hides it, what is known to stand there."""


def stream_ships(
    read: Callable[[Block], Seen],
    shape: tuple[int, int],
    gsd: float,
    *,
    config: DetectConfig,
    quays: QuayModel | None,
    side: int = SIDE,
) -> tuple[Detection, ...]:
    """Every ship of a coarse image that is read block by block: as `find_ships`, and the same ships.

    Parameters
    ----------
    read
        Gives the window of a block; its grid has the origin of the whole image. Windows overlap.
    shape, gsd
        Of the whole image.
    side
        Of a block, without what is looked at around it [pixel].
    """
    found: list[Detection] = []
    for block in plan_blocks(shape, gsd, max_length=config.max_length, side=side):
        seen = read(block)
        for place in _find_places(block, seen[0], seen[1], config):
            window = _cut_seen(place, *seen)
            given = (window[2], quays, None)
            seen_here = _find_at_once(window[0], window[1], given, config, wanted_of(place, gsd))
            found += own_ships(place, window[0].grid, seen_here.ships)
    return join_ships(found)


def _find_places(block: Block, chip: Chip, clouds: CloudMask, config: DetectConfig) -> list[Block]:
    """The parts of a block's window that are worth the search, in its own pixels."""
    margin, (top, left) = margin_px(chip.grid.gsd, config.max_length), block.window[:2]
    core = (block.core[0] - top, block.core[1] - left, block.core[2] - top, block.core[3] - left)
    places = find_places(chip, clear_of_clouds(chip, clouds), core, margin)
    return [Block(core=place, window=grow(place, margin, chip.grid.shape)) for place in places]


def _cut_seen(block: Block, chip: Chip, clouds: CloudMask, known: Structure | None) -> Seen:
    top, left, bottom, right = block.window
    part, shape = block.part, (bottom - top, right - left)
    window = cut_chip(chip, top, left, shape)
    hidden = replace(clouds, cloudy=clouds.cloudy[part], shadowed=clouds.shadowed[part])
    return (
        window,
        hidden,
        None if known is None else Structure(fixed=known.fixed[part], lift=known.lift[part]),
    )


def _find_at_once(
    chip: Chip,
    clouds: CloudMask,
    given: tuple[Structure | None, QuayModel | None, ViewGeometry | None],
    config: DetectConfig,
    wanted: Window | None = None,
) -> Search:
    """The ships of what is small enough to be looked at in one piece, of coarse pixels those wanted."""
    known, quays, view = given
    sea = find_sea(chip, clouds)
    if sea is None:
        return Search(ships=())
    if not sea.bodies.any():
        return Search(ships=(), water=sea.seen.mean() < 0.5, sea=sea)
    fixed, water, usable = None if known is None else known.fixed, sea.water, sea.usable
    looked = Looked(
        chip=sea.chip,
        usable=sea.seen,
        shaded=reduce_share(clouds.shadowed, sea.factor) > 0.5,
        water=without_structure(water, known.lift) if known is not None and sea.factor == 1 else water,
        fixed=None if fixed is None else reduce_share(fixed, sea.factor) > 0.5,
        sun=None if view is None else Sun(azimuth=view.sun_azimuth, elevation=view.sun_elevation),
        wanted=wanted,
    )
    if chip.grid.gsd <= FINE_GSD:
        found = find_hulls(chip, usable, fixed, looked, config)
    else:
        found = find_coarse(looked, config, quays)
    seen = usable if fixed is None else usable & ~fixed
    afloat = [f for f in found if _is_afloat(f.box, sea.bodies, sea.chip.grid)]
    kept = sorted(_without_doubles(afloat), key=lambda f: (-f.box.centre[1], f.box.centre[0]))
    ships = tuple(_describe(f, (chip, seen), view, number + 1) for number, f in enumerate(kept))
    return Search(ships=ships, sea=sea)


def _shows_water(chip: Chip, clouds: CloudMask) -> bool:
    """False where most of a coarse chip can be seen and none of it may be water."""
    seen = clear_of_clouds(chip, clouds)
    return bool(seen.mean() < 0.5 or not tells_water(chip) or may_be_water(chip, seen).any())


def _is_afloat(box: Box, sea: BoolArray, grid: Grid) -> bool:
    """True where some of what lies around a box is a body of water."""
    about = _ABOUT + _ABOUT_PX * grid.gsd
    window = window_about(grid, box, margin=about)
    if window is None:
        return False
    top, left, height, width = window
    if sea[top : top + height, left : left + width].all():
        return True
    wide = replace(box, length=box.length + 2 * about, beam=box.beam + 2 * about)
    near = fill_polygon(crop_grid(grid, top, left, (height, width)), hull_polygon(wide, pointed=0.02))
    return bool(near.any() and sea[top : top + height, left : left + width][near].mean() > _WET)


def _without_doubles(found: Sequence[Found]) -> list[Found]:
    """Best first; what lies mostly inside a better one is dropped."""
    from shapely import STRtree, area, intersection, polygons

    best = sorted(found, key=lambda f: (-f.score, f.box.centre))
    if len(best) < 2:
        return best
    rings = polygons(np.array([hull_polygon(item.box) for item in best]))
    one, other = STRtree(rings).query(rings)
    better = one < other
    one, other = one[better], other[better]
    size = area(rings)
    same = area(intersection(rings[one], rings[other])) >= _DOUBLE * np.minimum(size[one], size[other])
    dropped: set[int] = set()
    for pair in sorted(zip(one[same].tolist(), other[same].tolist(), strict=True)):
        if pair[0] not in dropped:
            dropped.add(pair[1])
    return [item for at, item in enumerate(best) if at not in dropped]


# ---------------------------------------------------------------------------------------- description


def _describe(
    found: Found, look: tuple[Chip, BoolArray], view: ViewGeometry | None, number: int
) -> Detection:
    chip, seen = look
    deck = sample_deck(*_cut_out(chip, seen, found.box), found.box)
    bearing = judge_bow(deck, found.box)
    box = replace(found.box, heading=bearing.heading)
    # a part may look like anything
    probability = 0.5 if "part-clouded" in found.flags else judge_kind(deck, box)
    gsd = chip.grid.gsd
    box, unknown = to_waterline(box, chip, view) if gsd <= FINE_GSD else (box, (0.0, 0.0))
    shape = waterline_polygon if gsd <= FINE_GSD else hull_polygon
    outline = ground_to_lonlat(chip.grid.origin, shape(box)).round(8)
    flags = tuple(dict.fromkeys(found.flags + (() if "alongside" in found.flags else bearing.flags)))
    cut = max((share for flag, share in _CUT.items() if flag in flags), default=0.0)
    sigma = _sigmas(gsd, box, found.quay, cut)
    if found.sigmas is not None:
        sigma = (*found.sigmas, sigma[2])
    sigma = (float(np.hypot(sigma[0], unknown[0])), float(np.hypot(sigma[1], unknown[1])), sigma[2])
    return Detection(
        id=f"d{number}",
        outline=tuple((float(x), float(y)) for x, y in outline),
        centre=box.centre,
        heading=round(box.heading, 3),
        heading_sigma=round(sigma[2], 3),
        heading_ambiguous=bearing.ambiguous,
        length=round(box.length, 2),
        length_sigma=round(sigma[0], 2),
        beam=round(box.beam, 2),
        beam_sigma=round(sigma[1], 2),
        kind=_kind(probability, deck),
        tanker_probability=round(probability, 4),
        score=found.score,
        flags=flags,
    )


def _cut_out(chip: Chip, seen: BoolArray, box: Box) -> tuple[Chip, BoolArray]:
    """The chip about a box."""
    window = window_about(chip.grid, box, margin=0.12 * box.length + box.beam)
    if window is None:
        return chip, seen
    top, left, height, width = window
    small = cut_chip(chip, top, left, (height, width))
    return small, seen[top : top + height, left : left + width]


def _sigmas(gsd: float, box: Box, quay: bool, cut: float) -> tuple[float, float, float]:
    """One standard deviation of length [m], beam [m] and axis [deg].

    A third of a pixel at each end and side, what lean and shadow add; more at a quay that is not known,
    much more where a wake may have been taken for hull, or cloud or the image's edge hides an end.
    """
    length = float(np.hypot(0.5 * gsd, 2.0)) + cut * box.length
    beam = float(np.hypot(np.hypot(0.35 * gsd, 0.8), _SIDE * box.beam))
    if quay:
        length, beam = 2.0 * length, 2.5 * beam
    axis = float(np.degrees(np.arctan(1.2 * max(gsd, 0.7) / box.length))) + 0.3
    return length, beam, axis


def _kind(probability: float, deck: Deck) -> ShipKind:
    if not deck.telling:
        return "unknown"
    if probability >= 0.6:
        return "tanker"
    return "other" if probability <= 0.15 else "unknown"
