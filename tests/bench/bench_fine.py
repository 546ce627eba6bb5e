"""Ships in fine images, on painted scenes of 0.35 to 0.8 m drawn wider than the sample season.

Scenes are kept in bench-out/fine, where they are found the next time. No choice in `pipeline.detect` was made
on these: the seeds from 200 on and the terminals from 30 on are for this bench alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from shapely import Polygon as Ring

from bench.fine_worlds import FineScene, TrueShip, cached
from bench.table import Table
from pipeline.clouds import decide_berths, find_clouds
from pipeline.config import Config
from pipeline.datatypes import CloudMask, Detection, Site, SiteFeature
from pipeline.detect import (
    Structure,
    assign_berth,
    find_doubtful,
    find_ships,
    learn_structure,
    open_berths,
    project_structure,
    site_cells,
    survey_water,
)
from pipeline.geometry import block_mean, coarser_grid, ground_to_lonlat

KEPT = Path("bench-out") / "fine"
ROADS = tuple(f"painted-roads-{seed}" for seed in range(200, 230))
TERMINALS = tuple(tuple(f"painted-terminal{number}-{look}" for look in range(5)) for number in range(30, 36))
CLEAR = 0.15
"""Mean opacity over a ship below which she counts as clear of cloud [1]."""
CONFIG = Config()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """One scene and what was found in it."""

    scene: FineScene
    clouds: CloudMask
    known: Structure | None
    ships: tuple[Detection, ...]
    pairs: tuple[tuple[TrueShip, Detection | None, float], ...]
    """Each true ship of 40 m and longer, what was found of her, and their overlap (IoU)."""

    @property
    def false(self) -> int:
        """Detections that are no ship."""
        return len(self.ships) - len({found.id for _, found, _ in self.pairs if found is not None})


def _match(
    scene: FineScene, ships: Sequence[Detection]
) -> tuple[tuple[TrueShip, Detection | None, float], ...]:
    """The detection that overlaps each true ship best, None below a quarter."""
    rings = [Ring(ship.outline).buffer(0) for ship in ships]
    pairs = []
    for truth in scene.ships:
        ring = Ring(truth.outline).buffer(0)
        shares = [ring.intersection(other).area / ring.union(other).area for other in rings]
        best = int(np.argmax(shares)) if shares else -1
        found = ships[best] if shares and shares[best] > 0.25 else None
        pairs.append((truth, found, shares[best] if found is not None else 0.0))
    return tuple(pairs)


def look(names: Sequence[str]) -> list[Seen]:
    """Scenes of one place, or single ones of none, with the memory that all of them give."""
    scenes = [cached(name, KEPT) for name in names]
    clouds = [find_clouds(scene.chip, scene.view, config=CONFIG.clouds) for scene in scenes]
    known: list[Structure | None] = [None] * len(scenes)
    site = scenes[0].site
    if site is not None:
        cells = site_cells(site, scenes[0].chip.grid.gsd)
        empty = learn_structure([survey_water(s.chip, c, cells) for s, c in zip(scenes, clouds, strict=True)])
        for k, scene in enumerate(scenes):
            land = np.zeros(scene.chip.valid.shape, bool)
            structure = project_structure(empty, cells, land, scene.chip.grid)
            known[k] = open_berths(structure, site, scene.chip.grid)
    seen = []
    for scene, mask, learned in zip(scenes, clouds, known, strict=True):
        ships = find_ships(scene.chip, mask, known=learned, config=CONFIG.detect, view=scene.view)
        pairs = _match(scene, ships)
        seen.append(Seen(scene=scene, clouds=mask, known=learned, ships=ships, pairs=pairs))
    return seen


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f} ({part}/{whole})" if whole else "-"


def _place(ship: TrueShip) -> str:
    return ship.state if ship.state != "open" else "under way" if ship.under_way else "anchored"


def _turned(a: float, b: float) -> float:
    """Between two axes [deg]."""
    return abs((a - b + 90) % 180 - 90)


def found(seen: Sequence[Seen], title: str) -> Table:
    """Recall, precision, F1, outline and errors by where a ship lies."""
    rows: list[tuple[object, ...]] = []
    for place in ("anchored", "under way", "ship-to-ship", "alongside"):
        clear = [
            pair for one in seen for pair in one.pairs if _place(pair[0]) == place and pair[0].opacity < CLEAR
        ]
        got = [(truth, d, share) for truth, d, share in clear if d is not None]
        if not got:
            continue
        scenes = [one for one in seen if (one.scene.site is not None) == (place == "alongside")]
        right = sum(d is not None for one in scenes for _, d, _ in one.pairs)
        called = right + sum(one.false for one in scenes)
        recall, precision = len(got) / len(clear), right / called
        shares = [share for _, _, share in got]
        errors = [
            np.median([abs(d.length - t.length) for t, d, _ in got]),
            np.median([abs(d.beam - t.beam) for t, d, _ in got]),
            np.quantile([_turned(d.heading, t.heading) for t, d, _ in got], 0.9),
        ]
        rows.append(
            (
                place,
                _share(len(got), len(clear)),
                _share(right, called),
                f"{2 * recall * precision / (recall + precision):.2f}",
                f"{np.median(shares):.2f}, {_share(sum(s >= 0.75 for s in shares), len(shares))}",
                f"{errors[0]:.1f} m, {errors[1]:.1f} m, {errors[2]:.1f} deg",
            )
        )
    return Table(
        title,
        (
            "where",
            "recall, clear of cloud",
            "precision",
            "F1",
            "outline IoU: median, 0.75 and more",
            "length, beam (median), axis (90 %) error",
        ),
        rows,
        "Painted. All but alongside share their scenes and precision. Cloud in one scene of four.",
    )


COARSER, LONG = 3.0, 60.0
"""Pixels of the scenes seen from afar, and the shortest ships that are to be found in them [m]."""


def look_coarser(names: Sequence[str]) -> list[Seen]:
    """Single scenes on pixels of about `COARSER`."""
    seen: list[Seen] = []
    for name in names:
        scene = cached(name, KEPT)
        factor = max(1, round(COARSER / scene.chip.grid.gsd))
        rng = np.random.default_rng(len(seen))
        pixels = np.stack([block_mean(plane, factor) for plane in scene.chip.pixels])
        chip = replace(
            scene.chip,
            pixels=(pixels + rng.normal(0, 0.0015, pixels.shape)).astype(np.float32),
            valid=np.ones(pixels.shape[1:], bool),
            grid=coarser_grid(scene.chip.grid, factor),
        )
        clouds = find_clouds(chip, scene.view, config=CONFIG.clouds)
        ships = find_ships(chip, clouds, known=None, config=CONFIG.detect, view=scene.view)
        seen.append(
            Seen(
                scene=replace(scene, chip=chip),
                clouds=clouds,
                known=None,
                ships=ships,
                pairs=_match(scene, ships),
            )
        )
    return seen


def coarser(seen: Sequence[Seen]) -> Table:
    """Recall and false ships where pixels are as wide as PlanetScope's."""
    clear = [p for one in seen for p in one.pairs if p[0].opacity < CLEAR and p[0].length >= LONG]
    got = [(t, d) for t, d, _ in clear if d is not None]
    false = [one.false for one in seen]
    lengths = [abs(d.length - t.length) for t, d in got]
    return Table(
        "Simulated: ships of 60 m and longer at 3 m",
        ("scenes", "recall, clear of cloud", "false a scene: mean, most", "length error (median, 90 %)"),
        [
            (
                len(seen),
                _share(len(got), len(clear)),
                f"{np.mean(false):.2f}, {max(false)}",
                f"{np.median(lengths):.1f} m, {np.quantile(lengths, 0.9):.1f} m" if got else "-",
            )
        ],
        "the painted roads of the tables above, on wider pixels",
    )


def kinds(seen: Sequence[Seen]) -> list[Table]:
    """Tanker or not with its reliability; bow or stern."""
    got = [
        (t, d)
        for one in seen
        for t, d, share in one.pairs
        if d is not None and share > 0.5 and t.opacity < CLEAR
    ]
    tanker = np.array([t.kind == "tanker" for t, _ in got])
    chance = np.array([d.tanker_probability for _, d in got])
    pairs = [(a > b) + 0.5 * (a == b) for a in chance[tanker] for b in chance[~tanker]]
    said = [(t, d) for t, d in got if not d.heading_ambiguous]
    right = sum(abs((d.heading - t.heading + 180) % 360 - 180) < 90 for t, d in said)
    told = Table(
        "Simulated: tankers and bulk carriers, wide worlds",
        (
            "ships",
            "tanker told from bulk carrier (AUC)",
            "Brier score",
            "bow right where said",
            "bow not said",
        ),
        [
            (
                len(got),
                f"{np.mean(pairs):.2f}" if pairs else "-",
                f"{np.mean((chance - tanker) ** 2):.3f}",
                _share(right, len(said)),
                len(got) - len(said),
            )
        ],
    )
    rows = []
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01)):
        here = (chance >= low) & (chance < high)
        if here.any():
            row = (
                f"{low:g} to {min(high, 1):g}",
                int(here.sum()),
                float(chance[here].mean()),
                float(tanker[here].mean()),
            )
            rows.append(row)
    columns = ("probability said", "ships", "mean said", "tankers among them")
    return [told, Table("Simulated: reliability of the tanker probability", columns, rows)]


def berths(seen: Sequence[Seen]) -> Table:
    """Outcomes of berths with the terminal's memory."""
    counts: dict[str, dict[str, int]] = {}
    for one in seen:
        site = one.scene.site
        if site is None:
            continue
        of_berth = {d.id: b for d in one.ships if (b := assign_berth(d, site)) is not None}
        states = decide_berths(site, one.scene.chip, one.clouds, of_berth, config=CONFIG.clouds)
        doubtful = find_doubtful(one.scene.chip, one.clouds, site, known=one.known)
        for state, berth in zip(states, site.of_role("berth"), strict=True):
            ring = Ring(berth.outline)
            hulls = [(ship, Ring(ship.outline).buffer(0)) for ship in one.scene.ships]
            there = [ship for ship, hull in hulls if ring.intersection(hull).area > 0.5 * hull.area]
            truth = "empty" if not there else "occupied" if there[0].opacity < CLEAR else "occupied, clouded"
            doubt = state.state == "clear-empty" and state.id in doubtful
            row = counts.setdefault(truth, {})
            said = "obscured" if doubt else state.state
            row[said] = row.get(said, 0) + 1
    columns = ("occupied", "clear-empty", "obscured", "not-imaged")
    rows = [(truth, *(row.get(name, 0) for name in columns)) for truth, row in sorted(counts.items())]
    return Table(
        "Simulated: outcomes of berths, memory of five looks", ("truth", *columns), rows, "painted scenes"
    )


def clear_berths(count: int) -> Table:
    """Cheap clear looks at a berth of a known jetty, one in four of them empty: what is called empty."""
    from test_detect_fine import SIDE, block, chip_of, sea, ship

    rows: dict[str, dict[str, int]] = {"occupied": {}, "empty": {}}
    for number in range(count):
        rng = np.random.default_rng((41, number))
        water = tuple(float(v) for v in rng.uniform(0.6, 1.6) * np.array([0.06, 0.08, 0.05, 0.015]))
        planes = sea(water, number)  # type: ignore[arg-type]
        block(planes, (-12.0, 0.0), (14.0, 240.0), (0.24, 0.25, 0.26, 0.27))
        occupied = number % 4 != 0
        if occupied:
            length = float(rng.uniform(42.0, 180.0))
            beam = length / float(rng.uniform(5.4, 7.0))
            deck = rng.uniform(0.9, 1.5) * np.array(water) + 0.02 if rng.random() < 0.15 else None
            deck = rng.uniform(0.04, 0.3) * rng.uniform(0.6, 1.4, 4) if deck is None else deck
            at = (-5.0 + beam / 2 + float(rng.uniform(0.5, 4.0)), float(rng.uniform(-20.0, 20.0)))
            ship(planes, at, (beam, length), tuple(float(v) for v in deck))  # type: ignore[arg-type]
        chip = chip_of(planes, number)
        corners = np.array([(-5.0, -120.0), (31.0, -120.0), (31.0, 120.0), (-5.0, 120.0)])
        ring = tuple((float(x), float(y)) for x, y in ground_to_lonlat(chip.grid.origin, corners))
        site = Site(id="s", name="s", features=(SiteFeature(id="b", role="berth", outline=ring),))
        fixed = np.zeros((SIDE, SIDE), bool)
        fixed[planes_of_jetty(SIDE)] = True
        known = Structure(fixed=fixed, lift=np.zeros(fixed.shape, np.float32))
        clouds = find_clouds(chip, None, config=CONFIG.clouds)
        ships = find_ships(chip, clouds, known=known, config=CONFIG.detect)
        of_berth = {d.id: berth for d in ships if (berth := assign_berth(d, site)) is not None}
        (state,) = decide_berths(site, chip, clouds, of_berth, config=CONFIG.clouds)
        doubt = state.state == "clear-empty" and find_doubtful(chip, clouds, site, known=known)
        said = "obscured" if doubt else state.state
        row = rows["occupied" if occupied else "empty"]
        row[said] = row.get(said, 0) + 1
    columns = ("occupied", "clear-empty", "obscured", "not-imaged")
    return Table(
        "Simulated: outcomes of berths, clear looks",
        ("truth", *columns),
        [(truth, *(row.get(name, 0) for name in columns)) for truth, row in sorted(rows.items())],
        "plain drawings at 0.8 m: ships of 42 to 180 m at a known jetty, one deck in seven like the water",
    )


def planes_of_jetty(side: int) -> tuple[slice, slice]:
    """Rows and columns of the jetty of `clear_berths`, and a metre about it."""
    middle = side // 2
    return slice(middle - round(121 / 0.8), middle + round(121 / 0.8)), slice(
        middle - round(20 / 0.8), middle - round(4 / 0.8)
    )


def tables() -> list[Table]:
    """All of them."""
    seen = [one for name in ROADS for one in look([name])]
    for names in TERMINALS:
        seen += look(names)
    wide = found(seen, "Simulated: ships of 40 m and longer at 0.35 to 0.8 m, wide worlds")
    return [wide, coarser(look_coarser(ROADS)), *kinds(seen), berths(seen), clear_berths(200)]
