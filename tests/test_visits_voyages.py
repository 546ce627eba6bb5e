"""Laden at one place, seen at another: one voyage, by size, windows and what was signed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import tiny_season
from handmade import NOON, scene, ship, visits
from tiny_season import write_scene, write_season, write_site

from pipeline.batch import InProcess, Request, run_batch
from pipeline.cli.run import read_sites
from pipeline.config import Config, VisitsConfig
from pipeline.datatypes import Identity, Ship
from pipeline.errors import UsageError
from pipeline.ingest import find_deliveries, read_fleet
from pipeline.products import SceneResult, Visit, Voyage
from pipeline.visits import join_voyages
from pipeline.visits.voyages import _share_out

FLEET = tuple(
    Ship(imo=9000001 + i, name=f"S{i}", dwt=1000.0 + 700 * i, loa=62.0 + 7.2 * i, beam=10.0 + 1.07 * i)
    for i in range(10)
)
"""Ten ships of ten lengths; she is the seventh."""
TERMINAL = replace(visits().visits[0], departure_window=(NOON, NOON + timedelta(days=1)))


def call(name: str, day: float, *, length: float = 105.1, beam: float = 16.4) -> tuple[Visit, SceneResult]:
    """A call at another site, `day` days after the departure could first be."""
    when = NOON + timedelta(days=day)
    seen = replace(ship(), length=length, beam=beam)
    visit = replace(
        TERMINAL,
        visit_id=name,
        site="port",
        arrival_window=(when - timedelta(hours=12), when),
        departure_window=(when, None),
        scene_ids=(name,),
    )
    return visit, replace(scene(name, ships=(seen,)), datetime=when)


def join(*calls: tuple[Visit, SceneResult], terminal: Sequence[Visit] = (TERMINAL,)) -> tuple[Voyage, ...]:
    results = [scene("s1"), *(result for _, result in calls)]
    return join_voyages(terminal, [visit for visit, _ in calls], results, FLEET, config=VisitsConfig())


def test_the_same_hull_some_days_later_is_one_voyage() -> None:
    (voyage,) = join(call("p1", 4))
    assert voyage.visit_id == TERMINAL.visit_id
    (found,) = voyage.calls
    assert (found.site, found.visit_id) == ("port", "p1")
    assert found.probability > 0.8
    assert found.fraction_on_arrival == 0.8


@pytest.mark.parametrize("day", [-3.0, 0.1, 45.0])
def test_nobody_arrives_before_she_left_nor_months_later(day: float) -> None:
    assert join(call("p1", day)) == ()


def test_another_hull_is_another_voyage() -> None:
    assert join(call("p1", 4, length=82.0, beam=13.0)) == ()
    (voyage,) = join(call("p1", 4, length=82.0, beam=13.0), call("p2", 5))
    assert [c.visit_id for c in voyage.calls] == ["p2"]
    assert voyage.calls[0].probability > 0.6


def test_one_call_does_not_discharge_two_cargoes() -> None:
    twin = replace(TERMINAL, visit_id="twin")
    voyages = join(call("p1", 4), terminal=(TERMINAL, twin))
    shares = [c.probability for v in voyages for c in v.calls]
    assert len(shares) == 2
    assert sum(shares) < 1.0
    assert shares[0] == pytest.approx(shares[1])


def test_signed_names_decide() -> None:
    def signed(visit: Visit, imo: int) -> Visit:
        who = (Identity(imo=imo, name="X", probability=1.0),)
        return replace(visit, identity=who, flags=("identity-signed",))

    mine = signed(TERMINAL, 9000001)
    other, result = call("p1", 4, length=82.0, beam=13.0)
    (voyage,) = join((signed(other, 9000001), result), terminal=(mine,))
    assert voyage.calls[0].probability > 0.99
    same, result = call("p1", 4)
    assert join((signed(same, 9000002), result), terminal=(mine,)) == ()


def brute_force(odds: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """Marginals by summing over every set of pairs that share no end."""
    total, mass = 0.0, dict.fromkeys(odds, 0.0)
    for size in range(len(odds) + 1):
        for chosen in itertools.combinations(odds, size):
            if len({i for i, _ in chosen}) == len({j for _, j in chosen}) == size:
                weight = 1.0
                for pair in chosen:
                    weight *= odds[pair]
                total += weight
                for pair in chosen:
                    mass[pair] += weight
    return {pair: m / total for pair, m in mass.items()}


@pytest.mark.parametrize(
    ("odds", "tolerance"),
    [
        ({(0, 0): 3.0}, 1e-9),
        ({(0, 0): 2.0, (1, 0): 5.0, (1, 1): 0.3, (2, 1): 8.0}, 1e-6),  # a chain: exact
        ({(0, 0): 30.0, (0, 1): 0.2, (1, 0): 0.1, (1, 1): 12.0}, 0.01),  # a circle
    ],
)
def test_pairs_are_shared_out_as_by_brute_force(odds: dict[tuple[int, int], float], tolerance: float) -> None:
    assert _share_out(odds) == pytest.approx(brute_force(odds), abs=tolerance)


# ----------------------------------------------------------------------------------------- two sites


def test_two_sites_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The port's calls stand apart: they are in no sum, and a visit may go on at one of them."""
    scenes, terminal, fleet = write_season(tmp_path, scenes=2)
    monkeypatch.setattr(tiny_season, "EAST", tiny_season.EAST + 200_000.0)
    write_scene(scenes, "port-4", day=4, ship=True)
    port = write_site(tmp_path / "port.geojson")
    with pytest.raises(UsageError, match="site quay"):
        read_sites([str(terminal), str(port)])
    document = json.loads(port.read_text())
    document["site"]["id"] = "port"
    port.write_text(json.dumps(document))
    with pytest.raises(UsageError, match="berth b1"):
        read_sites([str(terminal), str(port)])
    for feature in document["features"]:
        feature["properties"]["id"] = f"port-{feature['properties']['id']}"
    port.write_text(json.dumps(document))
    site, beyond = read_sites([str(terminal), str(port)])

    def run(*others: object) -> tuple[dict[str, str], str]:
        request = Request(
            deliveries=find_deliveries([scenes]),
            out=tmp_path / "out",
            site=site,
            fleet=read_fleet(fleet),
            config=Config(),
            beyond=others,  # type: ignore[arg-type]
        )
        outcome = run_batch(request, InProcess())
        return {s.scene_id: s.reason for s in outcome.scenes}, (tmp_path / "out" / "volume.json").read_text()

    alone, volume = run()
    assert set(alone.values()) == {"new"}
    again, both = run(beyond)
    assert again == {n: "site changed" if n.startswith("port") else "up to date" for n in alone}
    assert both == volume, "the port's calls are in no sum of the terminal"
    season = json.loads((tmp_path / "out" / "visits.json").read_text())
    assert {v["site"] for v in season["visits"]} == {"quay"}
    assert [v["visit_id"] for v in season["elsewhere"]] == ["port-20240805-port-b1"]
    (voyage,) = season["voyages"]
    assert voyage["calls"][0]["visit_id"] == "port-20240805-port-b1"
    assert voyage["calls"][0]["probability"] > 0.5
