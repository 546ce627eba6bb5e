"""Clocks of providers that are hours off, told by the sun; every look is kept."""

from dataclasses import replace

import pytest
from pvlib.solarposition import get_solarposition
from test_visits import LADEN, group, look, ship_at

from pipeline.datatypes import Flag
from pipeline.products import GeometryResult, SceneResult
from pipeline.visits.clocks import find_clock_doubts


def lit(scene: SceneResult, *, hours: float = 0.0) -> SceneResult:
    """The scene with the sun of its place, `hours` after what its clock says."""
    import pandas as pd

    assert scene.datetime is not None
    when = pd.DatetimeIndex([pd.Timestamp(scene.datetime) + pd.Timedelta(hours=hours)])
    sun = get_solarposition(when, 42.7, 133.0).iloc[0]
    geometry = GeometryResult(
        incidence_angle=12.0,
        azimuth=100.0,
        sun_elevation=float(sun["apparent_elevation"]),
        sun_azimuth=float(sun["azimuth"]),
        source="angles",
        azimuth_check="undecided",
    )
    return replace(scene, geometry=geometry)


def test_a_clock_that_is_hours_off_is_named_and_nothing_is_lost() -> None:
    right = lit(look(1.0, ship_at("b1", LADEN)))
    wrong = lit(look(1.0 + 9 / 24, ship_at("b1", LADEN), name="local-time"), hours=-9.0)
    found = group(look(0.0), right, wrong, look(2.5))
    (flag,) = [f for f in found.flags if f.code == "clock-doubtful"]
    assert "scene-0001.000 and local-time: clocks 9.0 h apart" in flag.message
    assert found.coverage.by_month[0].passes == 4
    assert sum(len(v.scene_ids) for v in found.visits) == 2


@pytest.mark.parametrize("hours", [1.0, 2.0, 3.5, 5.0, 6.5])
@pytest.mark.parametrize("day", [0.0, 45.0, 106.0, 200.0, 289.0])
def test_every_hour_of_the_day_and_the_year_is_told_from_the_right_one(day: float, hours: float) -> None:
    first = lit(look(day))
    honest = lit(look(day + hours / 24))
    assert find_clock_doubts([first, honest]) == ()
    shifted = lit(look(day + 1 + hours / 24), hours=-hours)
    assert len(find_clock_doubts([first, shifted])) == 1
    tomorrow = lit(look(day + 2.0))
    assert find_clock_doubts([first, tomorrow]) == ()


def test_a_scene_whose_sun_speaks_against_its_time_is_named() -> None:
    flag = Flag(code="sun-disagrees", message="36 deg apart")
    found = group(look(0.0), replace(look(1.0), flags=(flag,)), look(2.0))
    (doubt,) = [f for f in found.flags if f.code == "clock-doubtful"]
    assert doubt.message.startswith("scene-0001.000: ")
