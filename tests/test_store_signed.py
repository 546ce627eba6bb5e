"""What people sign: kept for good, put to the ship at its place, binding down to the barrels."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from handmade import FLEET, SITE, scene, ship

from pipeline.batch import Said, read_results, read_season, remake_season, sign
from pipeline.batch.signing import Words, read_words, words_in_force
from pipeline.cli import plimsoll
from pipeline.cli.ending import Session, run_command
from pipeline.config import Config, update_config
from pipeline.datatypes import Ship
from pipeline.errors import StoreError, UsageError
from pipeline.freeboard import add_reading
from pipeline.products import DetectionResult, SceneResult
from pipeline.store import SceneRow, SignedRow, Store, to_json

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUICK = update_config(Config(), {"load": {"draws": 400}, "volume": {"draws": 1000}})
OTHER = Ship(imo=9074729, name="Other", dwt=2310.0, loa=76.0, beam=12.4, depth=6.4)


def keep(store: Store, result: SceneResult) -> None:
    row = SceneRow(
        scene_id=result.scene_id,
        path=f"/in/{result.scene_id}.tif",
        kind="geotiff",
        name=result.scene_id,
        content="c",
        images=f"bytes of {result.scene_id}",
        key="k",
        status="ok",
        result=to_json(result).encode(),
    )
    store.commit_scene(row, [])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Two looks at one ship, a day apart."""
    with Store.claim(tmp_path) as store:
        fleet = "[" + ",".join(to_json(s) for s in (*FLEET, OTHER)) + "]"
        store.commit_settings({"site": to_json(SITE), "fleet": fleet, "config": json.dumps(asdict(QUICK))})
        for day in (0, 1):
            keep(store, scene(f"s{day}", day=day))
    return tmp_path


def said(imo: int | None = OTHER.imo, by: str = "A. Analyst") -> Said:
    return Said(kind="identity", by=by, imo=imo)


def shifted(found: DetectionResult, *, name: str, lon: float) -> DetectionResult:
    """The same hull under another number, `lon` degrees further east."""
    ring = [[x + lon, y] for x, y in found.outline["coordinates"][0]]  # type: ignore[index]
    return replace(found, id=name, outline={"type": "Polygon", "coordinates": [ring]})


def test_what_was_signed_cannot_be_changed_or_removed(out: Path) -> None:
    sign(out, "s0/d1", said(), now=NOON)
    for statement in ("DELETE FROM signed", "UPDATE signed SET imo = 1"):
        with sqlite3.connect(out / "plimsoll.db") as db, pytest.raises(sqlite3.DatabaseError, match="never"):
            db.execute(statement)
        db.close()
    with Store.open(out) as store:
        (row,) = store.signed()
    assert (row.imo, row.by, row.at, row.number) == (OTHER.imo, "A. Analyst", "2026-03-01T12:00:00Z", 1)


def test_a_word_without_a_name_is_not_kept(out: Path) -> None:
    with pytest.raises(StoreError):
        sign(out, "s0/d1", said(by=""), now=NOON)
    with Store.open(out) as store:
        assert store.signed() == ()


def test_a_store_of_the_first_version_gets_the_table(out: Path) -> None:
    with sqlite3.connect(out / "plimsoll.db") as db:
        db.execute("DROP TABLE signed")
        db.execute("PRAGMA user_version = 1")
    db.close()
    with Store.open(out) as store:
        assert store.signed() == ()
        assert len(store.scenes()) == 2
    sign(out, "s0/d1", said(), now=NOON)
    with Store.open(out) as store:
        assert len(store.signed()) == 1
        assert len(store.scenes()) == 2


def test_a_word_binds_the_visit_and_a_withdrawal_gives_the_same_bytes_back(out: Path) -> None:
    before = remake_season(out)
    assert before.visits.visits[0].identity[0].imo == FLEET[0].imo
    text = (out / "volume.json").read_bytes()
    sign(out, "s0/d1", said(), now=NOON)
    bound = remake_season(out).visits
    assert {v.identity[0].imo for v in bound.visits} == {OTHER.imo}
    assert [(s.scene_id, s.imo, s.by) for s in bound.signed] == [("s0", OTHER.imo, "A. Analyst")]
    sign(out, "s0/d1", said(imo=None), now=NOON + timedelta(hours=1))
    assert {v.identity[0].imo for v in remake_season(out).visits.visits} == {None}
    sign(out, "s0/d1", Said(kind="identity", by="B.", withdrawn=True), now=NOON + timedelta(hours=2))
    assert remake_season(out).visits == before.visits
    assert (out / "volume.json").read_bytes() == text
    with Store.open(out) as store:
        assert [row.withdrawn for row in store.signed()] == [False, False, True]


def test_only_what_holds_can_be_withdrawn_and_only_ships_be_signed(out: Path) -> None:
    with pytest.raises(UsageError, match="no identity is signed"):
        sign(out, "s0/d1", Said(kind="identity", by="A.", withdrawn=True), now=NOON)
    for wrong in ("s0/d9", "nothing/d1", "d1", ""):
        with pytest.raises(UsageError, match="no such sighting"):
            sign(out, wrong, said(), now=NOON)


def words(out: Path) -> Words:
    with Store.open(out) as store:
        return read_words(store, read_results(store))


def test_a_word_follows_its_place_through_a_rerun(out: Path) -> None:
    sign(out, "s0/d1", said(), now=NOON)
    moved = shifted(ship(), name="d2", lon=0.0001)  # 8 m
    stranger = shifted(ship(), name="d1", lon=-0.004)
    with Store.claim(out) as store:
        keep(store, scene("s0", ships=(stranger, moved)))
    (word,) = words(out).identities
    assert (word.scene_id, word.detection_id) == ("s0", "d2")
    with Store.claim(out) as store:
        keep(store, scene("s0", ships=(stranger,)))
    assert words(out).identities == ()
    (flag,) = words(out).flags
    assert flag.code == "signed-without-ship"
    assert "s0/d1" in flag.message
    assert "A. Analyst" in flag.message
    assert flag in remake_season(out).visits.flags
    with Store.claim(out) as store:
        keep(store, scene("s0"))
    assert len(words(out).identities) == 1, "it binds again as soon as its ship is found again"


def test_a_word_follows_the_bytes_of_its_image(out: Path) -> None:
    row = SignedRow(
        kind="identity",
        scene_id="old-name",
        images="bytes of s1",
        detection_id="d1",
        place=(132.9005, 42.70025),
        by="A.",
        at="2026-03-01T12:00:00Z",
        imo=1,
    )
    with Store.open(out) as store:
        scenes = store.scenes()
    found = words_in_force([row], scenes, {"s1": scene("s1", day=1)})
    assert [w.scene_id for w in found.identities] == ["s1"]


def test_a_reading_is_one_more_likelihood(out: Path) -> None:
    measured = replace(add_reading(None, 2.0, 0.4), cues=())
    both = add_reading(measured, 3.0, 0.3)
    weight = 1 / 0.4**2 + 1 / 0.3**2
    assert both.value == pytest.approx((2.0 / 0.4**2 + 3.0 / 0.3**2) / weight, abs=0.01)
    assert both.sigma == pytest.approx(weight**-0.5, abs=0.01)
    assert [c.cue for c in both.cues] == ["reading"]
    low, high = add_reading(None, 2.0, 0.4).interval90
    assert (low, high) == pytest.approx((2.0 - 1.645 * 0.4, 2.0 + 1.645 * 0.4), abs=0.01)


def test_a_reading_measures_a_ship_that_the_image_did_not(out: Path) -> None:
    with Store.claim(out) as store:
        for day in (0, 1):
            keep(store, scene(f"s{day}", day=day, ships=(ship(measured=False),)))
    assert {v.status for v in remake_season(out).visits.visits} == {"imputed"}
    sign(out, "s1/d1", Said(kind="reading", by="B.", freeboard=1.6, sigma=0.1), now=NOON)
    season = remake_season(out)
    (visit,) = season.visits.visits
    assert visit.status == "measured"
    assert season.visits.readings[0].freeboard == 1.6
    assert season.volume.barrels.measured.p50 > 20_000
    with Store.open(out) as store:
        assert read_season(store) == season
        raw = json.loads(store.scenes()[1].result or b"")
    assert raw["detections"][0]["freeboard"] is None, "the machine's own result stays as it was"


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run_command(plimsoll, [str(a) for a in arguments], Session())
        return code, *capsys.readouterr()

    return run


def test_the_command_signs_lists_and_says_what_moved(out: Path, call: Call) -> None:
    code, said_out, err = call("identify", "s0/d1", "--imo", OTHER.imo, "--by", " A.  Analyst ", "--out", out)
    assert code == 0
    assert "signed: s0/d1 is IMO 9074729 (A. Analyst, " in err
    assert "identity[9074729].imo" in said_out
    code, said_out, _ = call("read", "s1/d1", "--freeboard", 2.1, "--sigma", 0.2, "--by", "B", "--out", out)
    assert code == 0
    assert "readings[s1].freeboard" in said_out
    code, said_out, _ = call("identify", "--out", out)
    assert "s1/d1: freeboard 2.1 ± 0.2 m" in said_out
    assert [w["kind"] for w in json.loads(call("identify", "--json", "--out", out)[1])] == [
        "identity",
        "reading",
    ]
    (visit,) = remake_season(out).visits.visits
    code, _, err = call("identify", visit.visit_id, "--imo", 9319466, "--by", "A", "--out", out)
    assert code == 0
    assert "not in the register" in err
    assert "signed: s1/d1 is IMO 9319466" in err


def test_exports_of_an_earlier_season_are_named_until_they_are_made_anew(out: Path, call: Call) -> None:
    (visit,) = remake_season(out).visits.visits
    assert call("export", "--out", out)[0] == 0
    assert remake_season(out).stale == ()
    _, _, err = call("identify", "s0/d1", "--imo", OTHER.imo, "--by", "A", "--out", out)
    assert "plimsoll.kmz and 1 more show an earlier season" in err
    sheet = f"sheets/{visit.visit_id}.pdf"
    assert remake_season(out).stale == ("plimsoll.kmz", sheet)
    call("export", visit.visit_id, "--out", out)
    assert remake_season(out).stale == ("plimsoll.kmz",)
    call("export", "--out", out)
    assert remake_season(out).stale == ()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["identify", "s0/d1", "--imo", "9074729"], "--by"),
        (["identify", "s0/d1", "--imo", "9074729", "--by", "  "], "--by"),
        (["identify", "s0/d1", "--by", "A"], "one of --imo"),
        (["identify", "s0/d1", "--imo", "9074729", "--none", "--by", "A"], "one of --imo"),
        (["identify", "s0/d1", "--imo", "9319467", "--by", "A"], "check digit"),
        (["identify", "s0/d1", "--imo", "12", "--by", "A"], "check digit"),
        (["identify", "--none"], "no sighting"),
        (["identify", "s0/d7", "--none", "--by", "A"], "no such sighting"),
        (["read", "s0/d1", "--freeboard", "2", "--by", "A"], "--sigma"),
        (["read", "s0/d1", "--freeboard", "40", "--sigma", "1", "--by", "A"], "--freeboard"),
        (["read", "s0/d1", "--withdraw", "--by", "A"], "no reading is signed"),
    ],
)
def test_wrong_words_are_2_and_leave_nothing(out: Path, call: Call, arguments: list[str], words: str) -> None:
    code, said_out, err = call(*arguments, "--out", out)
    assert code == 2
    assert words in err
    assert said_out == ""
    with Store.open(out) as store:
        assert store.signed() == ()
