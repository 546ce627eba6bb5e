"""One hull told from others by her deck: measured on pixels, weighed, and used over a season."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from paper_season import make_detection
from test_visits import CONFIG, FLEET, LADEN, OTHER, SITE, group, look, ship_at, signature

from pipeline.config import Config
from pipeline.datatypes import Chip, Detection, Grid, Ship
from pipeline.detect import measure_appearance
from pipeline.ingest import find_deliveries, read_chip, read_scene, read_site
from pipeline.pieces import area_of
from pipeline.products import Appearance, DetectionResult, SceneResult
from pipeline.visits import group_visits
from pipeline.visits.identity import Size, same_size
from pipeline.visits.likeness import compare_appearance, compare_series

SAMPLE = Path(__file__).resolve().parents[1] / "sample_scenes"
BANDS = ("blue", "green", "red", "nir")
RED, GREEN = (0.07, 0.08, 0.20, 0.28), (0.05, 0.10, 0.07, 0.18)


def painted(
    colour: tuple[float, ...], *, light: float = 1.0, gear: int = 0, gsd: float = 0.5, noise: int = 0
) -> Chip:
    """A hull of 98 x 16 m that points north on dark water, with bright gear in places that `gear` draws."""
    side = round(140 / gsd)
    rows, cols = (np.mgrid[0:side, 0:side] - side / 2 + 0.5) * gsd
    pixels = np.full((4, side, side), 0.03)
    hull = (np.abs(rows) < 49) & (np.abs(cols) < 8)
    pixels[:, hull] = np.array(colour)[:, None]
    for along, across in np.random.default_rng(gear).uniform((-18, -6), (34, 6), (14, 2)):
        pixels[:, (np.abs(-rows - along) < 2) & (np.abs(cols - across) < 1.5)] = 0.35
    pixels[:, hull & (rows > 33)] = 0.6
    pixels = light * pixels + np.random.default_rng(noise).normal(0, 0.003, pixels.shape)
    grid = Grid(shape=(side, side), to_ground=(gsd, 0, -70.0, 0, -gsd, 70.0), origin=(133.0, 42.7))
    return Chip(
        pixels=pixels.astype(np.float32),
        valid=np.ones((side, side), bool),
        bands=BANDS,
        grid=grid,
        calibrated=True,
    )


HULL: Detection = replace(make_detection(98.0, 16.0), heading=0.0)


def deck(chip: Chip, hull: Detection = HULL) -> Appearance:
    found = measure_appearance(chip, hull, np.zeros(chip.valid.shape, bool))
    assert found is not None
    return found


# ------------------------------------------------------------------------------------ what is measured


def test_a_deck_s_colour_is_its_paint_s_whatever_the_light() -> None:
    for light in (0.7, 1.3):
        found = deck(painted(RED, light=light))
        wanted = np.log(RED) - np.log(RED).mean()
        assert found.deck == pytest.approx(wanted, abs=0.05)
        assert found.level == pytest.approx(np.log(RED).mean() + np.log(light), abs=0.05)
    assert found.house == pytest.approx(0.9, abs=0.06)
    assert len(found.plan) == 72
    assert np.mean(found.plan) == pytest.approx(0.0, abs=0.01)


def test_nothing_is_said_of_a_ship_that_is_hidden_or_too_small() -> None:
    chip = painted(RED)
    blocked = np.zeros(chip.valid.shape, bool)
    blocked[:, 140:] = True
    assert measure_appearance(chip, HULL, blocked) is None
    assert measure_appearance(painted(RED, gsd=10.0), HULL, np.zeros((14, 14), bool)) is None
    turned = deck(chip, replace(HULL, heading_ambiguous=True))
    assert (turned.plan, turned.house) == ((), None)
    assert turned.deck == deck(chip).deck


def test_one_deck_seen_again_is_one_ship_and_other_paint_or_gear_is_not() -> None:
    first = deck(painted(RED, gear=1, light=0.9))
    assert compare_appearance(first, deck(painted(RED, gear=1, noise=2))) > 1.5
    assert compare_appearance(first, deck(painted(GREEN, gear=1))) < -2
    assert compare_appearance(first, deck(painted(RED, gear=2))) < compare_appearance(
        first, deck(painted(RED, gear=1, noise=3))
    )
    coarse = deck(painted(RED, gear=1, gsd=3.0))
    assert compare_appearance(first, coarse) > 0 > compare_appearance(deck(painted(GREEN)), coarse)
    assert compare_series((), (first,)) == 0.0


# -------------------------------------------------------------------------------------- what it decides


def with_deck(ship: DetectionResult, chip: Chip) -> DetectionResult:
    return replace(ship, appearance=deck(chip))


def test_another_ship_of_her_size_is_another_visit() -> None:
    fleet = (FLEET[0], replace(FLEET[0], imo=9000009, name="TWIN"), OTHER)
    first = look(1, with_deck(ship_at("b1"), painted(RED, gear=1)))
    again = look(3, with_deck(ship_at("b1"), painted(RED, gear=1, noise=5)))
    other = look(3, with_deck(ship_at("b1"), painted(GREEN, gear=2)))
    (one,) = group(look(0), first, again, look(4), fleet=fleet).visits
    assert one.merged_probability < 0.1
    assert len(group(look(0), first, other, look(4), fleet=fleet).visits) == 2
    # A day apart, with no register to make her size a common one, one repainted ship is likelier than two.
    (doubtful,) = group(look(0), first, replace_day(other, 2), look(4), fleet=()).visits
    assert doubtful.merged_probability > 0.05


def replace_day(scene: SceneResult, day: float) -> SceneResult:
    return look(day, *scene.detections)


def test_a_hull_is_known_again_without_a_register() -> None:
    days = (look(0), look(1, with_deck(ship_at("b1"), painted(RED, gear=1))), look(2), look(8))
    back = look(9, with_deck(ship_at("b1"), painted(RED, gear=1, noise=7)))
    new = look(15, with_deck(ship_at("b1"), painted(GREEN, gear=4)))
    visits = group(*days, back, look(10), new, look(16), fleet=()).visits
    assert [len(v.earlier) for v in visits] == [0, 1, 0]
    assert visits[1].earlier[0].visit_id == visits[0].visit_id
    assert visits[1].earlier[0].probability > 0.5


def test_a_fine_look_names_the_deck_and_a_coarse_one_is_known_by_it() -> None:
    twin = replace(OTHER, imo=9000009, name="TWIN")
    fleet = (OTHER, twin)
    named = (signature(1, OTHER.imo), signature(8, twin.imo))
    scenes = (
        look(0),
        look(1, with_deck(ship_at("b1", LADEN, ship=OTHER, fleet=fleet), painted(RED, gear=1))),
        look(2),
        look(8, with_deck(ship_at("b1", LADEN, ship=OTHER, fleet=fleet), painted(GREEN, gear=2))),
        look(9),
        look(15, with_deck(ship_at("b1", ship=OTHER, fleet=fleet), painted(RED, gear=1, gsd=3.0))),
        look(16),
    )
    visits = group_visits(scenes, SITE, fleet, config=CONFIG, signed=named).visits
    assert [v.identity[0].name for v in visits] == ["OTHER", "TWIN", "OTHER"]
    assert visits[2].identity[0].probability > visits[2].identity[1].probability + 0.3


def test_no_ship_is_at_two_berths_at_once() -> None:
    twin: Ship = replace(OTHER, imo=9000009, name="TWIN")
    fleet = (OTHER, twin, FLEET[0])
    both = (
        ship_at("b1", ship=OTHER, fleet=fleet),
        ship_at("b2", ship=OTHER, name="d2", fleet=fleet),
    )
    word = (signature(1, OTHER.imo),)
    first, second = group_visits(
        (look(0), look(1, *both), look(2)), SITE, fleet, config=CONFIG, signed=word
    ).visits
    assert first.identity[0].name == "OTHER"
    assert second.identity[0].name == "TWIN"
    assert second.identity[0].probability > 0.8


# ------------------------------------------------------------------------------------ the sample season


def sample_looks() -> list[tuple[int, Size, Appearance]]:
    """(ship, size as a detector has it, deck) of the sample season's ships at 3 m and finer; simulated."""
    site, found = read_site(str(SAMPLE / "site.geojson")), []
    names = [d for d in find_deliveries([SAMPLE]) if "damaged" not in str(d)]
    for delivery in names:
        scene = read_scene(delivery)
        path = SAMPLE / scene.scene_id / "truth.json"
        ships = json.loads(path.read_text())["ships"] if path.exists() else []
        tankers = [s for s in ships if s["kind"] == "tanker"]
        if scene.gsd > 5 or len(tankers) != 1:
            continue
        chip = read_chip(scene, aoi=area_of(site), config=Config().ingest)
        seen = deck_of_truth(chip, tankers[0])
        if seen is not None:
            found.append((int(tankers[0]["imo"]), *seen))
    return found


def deck_of_truth(chip: Chip, ship: dict[str, object]) -> tuple[Size, Appearance] | None:
    from pipeline.geometry import lonlat_to_ground, ship_axes

    ring = lonlat_to_ground(chip.grid.origin, np.array(ship["outline"]))
    heading = float(ship["heading"])  # type: ignore[arg-type]
    bow, starboard = ship_axes(heading)
    along, across = ring @ bow, ring @ starboard
    centre = bow * (along.max() + along.min()) / 2 + starboard * (across.max() + across.min()) / 2
    hull = replace(
        HULL,
        centre=(float(centre[0]), float(centre[1])),
        heading=heading,
        length=float(np.ptp(along)),
        beam=float(np.ptp(across)),
    )
    found = measure_appearance(chip, hull, np.zeros(chip.valid.shape, bool))
    size = Size(length=hull.length, length_sigma=12.0, beam=hull.beam, beam_sigma=3.0, tanker_probability=0.9)
    return None if found is None else (size, found)


def test_decks_tell_the_sample_season_s_ships_apart_better_than_a_doubtful_size() -> None:
    looks = sample_looks()
    assert len({ship for ship, _, _ in looks}) == 3
    sizes: dict[bool, list[float]] = {True: [], False: []}
    both: dict[bool, list[float]] = {True: [], False: []}
    for k, (ship, size, seen) in enumerate(looks):
        for other, other_size, other_seen in looks[:k]:
            by_size = same_size(size, other_size)
            sizes[ship == other].append(by_size)
            both[ship == other].append(by_size + compare_appearance(seen, other_seen))
    assert np.mean(both[True]) > np.mean(sizes[True]) + 1
    assert np.mean(both[False]) < np.mean(sizes[False]) - 1
