"""Documents: one layout, one rounding, and the way back."""

import json
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from handmade import FLEET, NOON, SITE, refused_scene, scene, ship, visits, volume
from hypothesis import given
from hypothesis import strategies as st

from pipeline.datatypes import Ship, Site
from pipeline.products import SceneResult, VisitsDocument, VolumeDocument
from pipeline.store import from_json, plain_to_json, round_number, to_json


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        (SceneResult, scene()),
        (SceneResult, scene(ships=(ship(measured=False),))),
        (SceneResult, refused_scene()),
        (VisitsDocument, visits()),
        (VolumeDocument, volume()),
        (Site, SITE),
        (Ship, FLEET[0]),
    ],
)
def test_what_was_written_is_read_back_and_written_the_same(kind: type[object], record: object) -> None:
    text = to_json(record)
    back = from_json(kind, text)
    assert to_json(back) == text
    assert type(back) is kind


def test_numbers_are_rounded_once_and_positions_are_kept_to_a_centimetre() -> None:
    result = json.loads(to_json(scene()))
    found = result["detections"][0]
    assert found["length"] == 105.123
    assert found["freeboard"]["curve"]["log_likelihood"] == [-3.142, 0.0, -60.0]
    assert found["outline"]["coordinates"][0][1] == [132.901, 42.7]
    assert found["freeboard"]["lines"][0]["points"][0] == [132.9, 42.7]
    assert result["datetime"] == "2024-08-10T02:15:30Z"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_rounding_twice_is_rounding_once(value: float) -> None:
    once = round_number(value)
    assert round_number(once) == once
    assert once == pytest.approx(value, rel=5e-6)
    assert math.copysign(1.0, once) == 1.0 or once < 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_never_reaches_json(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        to_json(replace(ship(), length=value))


def test_times_are_utc_and_a_time_without_a_zone_is_refused() -> None:
    @dataclass(frozen=True)
    class Moment:
        at: datetime

    east = timezone(timedelta(hours=10))
    assert json.loads(to_json(Moment(datetime(2024, 8, 11, 9, tzinfo=east))))["at"] == "2024-08-10T23:00:00Z"
    assert json.loads(to_json(Moment(datetime(2024, 8, 11, 9, 0, 0, 500_000, UTC))))["at"].endswith(
        ".500000Z"
    )
    with pytest.raises(ValueError, match="time zone"):
        to_json(Moment(NOON.replace(tzinfo=None)))


def test_layout_is_one_line_a_member_and_one_a_list_of_numbers() -> None:
    lines = plain_to_json({"a": [1, 2, [3.5]], "b": [{"c": "é"}], "d": {}, "e": []}).split("\n")
    assert lines[:3] == ["{", '  "a": [1, 2, [3.5]],', '  "b": [']
    assert lines[3:] == ["    {", '      "c": "é"', "    }", "  ],", '  "d": {},', '  "e": []', "}", ""]
