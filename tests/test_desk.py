"""The desk case: what others counted through the same ledger; bad lines named, contradictions shown."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.cli import plimsoll
from pipeline.cli.ending import Session, run_command
from pipeline.config import Config, update_config
from pipeline.datatypes import Ship
from pipeline.desk import UNKNOWN_DEADWEIGHT, measure_desk, write_ledger
from pipeline.errors import InputError, UsageError
from pipeline.ingest import read_fleet
from pipeline.ingest.calls import CallsFile, read_calls, read_period
from pipeline.ingest.figures import read_claims
from pipeline.products import Claim, VisitsDocument, VolumeDocument
from pipeline.resources import find_resource
from pipeline.volume import find_contradictions

CASE = find_resource("models") / "cases" / "vostochny-2024"
FACTS = Path(__file__).resolve().parents[2] / "shared" / "facts" / "reporting_checks.csv"
CONFIG = update_config(Config(), {"volume": {"draws": 4000}})
KNOWN = Ship(imo=9074729, name="Alpha", dwt=5000.0, loa=105.0, beam=16.6, summer_draught=6.6, depth=8.2)
BARRELS_PER_TONNE = 1000 / 840 * 6.28981


def table(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def ledger(path: Path, *fleet: Ship) -> tuple[VisitsDocument, VolumeDocument]:
    visits = write_ledger(read_calls(path), fleet, config=CONFIG)
    return visits, measure_desk(visits, (), fleet, config=CONFIG)


# ------------------------------------------------------------------------------------------ the lines


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("03/04/2024,9074729,,,", "03/04/2024"),
        ("2024-13-01,9074729,,,", "2024-13-01"),
        ("2024-02-30,,,,", "2024-02-30"),
        ("2024-05-01/2024-04-01,,,,", "ends before it begins"),
        (",,,,", "date"),
        ("1024-05-01,,,,", "1950"),
        ("2024-05-01,907472,,,", "seven digits"),
        ("2024-05-01,9074729,90,,", "90 % is 0.9"),
        ("2024-05-01,9074729,-0.1,,", "share of one"),
        ("2024-05-01,9074729,0.9,21.3 ft,", "metres"),
        ("2024-05-01,9074729,0.9,650,", "metres"),
        ('2024-05-01,9074729,0.9,,"4,100"', "thousands are not grouped"),
        ("2024-05-01,9074729,0.9,,nan", "tonnes"),
        ("2024-05-01,9074729,0.9,,,extra", "more cells"),
    ],
)
def test_a_bad_line_is_named_and_the_others_count(tmp_path: Path, line: str, words: str) -> None:
    good = "2024-05-02,9074729,0.9,,"
    path = table(
        tmp_path / "v.csv", "date,imo,fill,draught_departure_m,cargo_t", good, line, good.replace("02", "09")
    )
    file = read_calls(path)
    assert [c.line for c in file.calls] == [2, 4]
    (flag,) = file.refused
    assert flag.message.startswith("v.csv line 3: ")
    assert words in flag.message


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("date,draught_departure_ft", "call it draught_departure_m"),
        ("date,cargo_kt", "call it cargo_t"),
        ("date,dwt", "call it dwt_t"),
        ("day,fill", "no column date"),
        ("date,fill,fill", "there twice"),
        ("date;fill;imo", "not separated by commas"),
    ],
)
def test_a_column_in_another_unit_is_named(tmp_path: Path, header: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_calls(table(tmp_path / "v.csv", header, "2024-05-01"))
    assert words in f"{caught.value} {caught.value.hint}"


def test_what_is_not_read_is_said(tmp_path: Path) -> None:
    path = table(tmp_path / "v.csv", "date,name,berth,colour", "2024-05-01,A,b1,red", "2024-05-01,A,b2,red")
    assert [flag.code for flag in read_calls(path).notes] == ["column-ignored", "same-ship-same-time"]
    assert "at two berths" in read_calls(path).notes[1].message
    with pytest.raises(UsageError, match="no such file"):
        read_calls(tmp_path / "nothing.csv")
    (tmp_path / "v.csv").write_bytes(b"date\n\xff\xfe\n")
    with pytest.raises(InputError, match="not readable as CSV"):
        read_calls(tmp_path / "v.csv")


def test_one_number_with_two_names_is_one_ship_and_said(tmp_path: Path) -> None:
    rows = "2024-05-01,9074729,A", "2024-05-01,9074729,B", "2024-06-01,9074729,A", "2024-06-01,,A"
    file = read_calls(table(tmp_path / "v.csv", "date,imo,name", *rows))
    assert len(file.calls) == 4
    said = [(flag.code, flag.message.split(":")[0]) for flag in file.notes]
    assert said == [
        ("two-names", "v.csv lines 2 and 3"),
        ("same-ship-same-time", "v.csv lines 2 and 3"),
        ("two-names", "v.csv lines 3 and 4"),
    ]


def test_dates_mean_all_that_they_cover() -> None:
    start, end = read_period("2024-02")
    assert (start.isoformat(), end.isoformat()) == ("2024-02-01T00:00:00+00:00", "2024-02-29T23:59:59+00:00")
    start, end = read_period("2024-03-07/2024-11-05")
    assert (start.day, end.month, end.hour) == (7, 11, 23)
    assert read_period("2024-03-07T09:00+09:00")[0].hour == 0


# ----------------------------------------------------------------------------------------- the ledger


def test_a_known_ship_at_a_stated_fill_is_arithmetic(tmp_path: Path) -> None:
    path = table(
        tmp_path / "v.csv", "date,imo,fill,fill_sigma,evidence", "2024-05-01,9074729,0.9,0,single-laden"
    )
    visits, volume = ledger(path, KNOWN)
    (visit,) = visits.visits
    assert visit.status == "measured"
    assert visit.cargo_loaded.value == pytest.approx(0.9 * 0.94 * 5000)
    assert volume.barrels.measured.p50 == pytest.approx(0.9 * 0.94 * 5000 * BARRELS_PER_TONNE, rel=0.01)
    assert volume.barrels.imputed.p95 == 0
    assert volume.un_designated.visits == 0
    assert {t.term for t in volume.by_visit[0].budget} == {"capacity", "density"}


def test_a_draught_is_counted_from_the_summer_load_line(tmp_path: Path) -> None:
    """At her summer draught she carries her deadweight less consumables; TPC takes off what is missing."""
    header = "date,imo,draught_arrival_m,draught_departure_m,draught_sigma_m,evidence"
    rows = ("2024-05-01,9074729,3.9,6.6,0.05,pair", "2024-06-01,9074729,,6.1,0.05,single-laden")
    full, light = ledger(table(tmp_path / "v.csv", header, *rows), KNOWN)[0].visits
    assert full.cargo_loaded.value == pytest.approx(5000 * (1 - 0.06 - 0.006), rel=0.02)
    tpm = 1.025 * 0.945 * 105 * 16.6 * (1 + 2 * 0.745) / 3  # Schneekluth's waterplane
    assert full.cargo_loaded.value - light.cargo_loaded.value == pytest.approx(0.5 * tpm, rel=0.06)
    assert dict(full.budget)["draught"] == pytest.approx(0.05 * tpm, rel=0.1)
    assert full.status == "measured"


def test_a_draught_of_a_ship_without_particulars_is_flagged(tmp_path: Path) -> None:
    path = table(tmp_path / "v.csv", "date,name,draught_departure_m,evidence", "2024-05-01,Nobody,6,pair")
    visits, volume = ledger(path)
    assert set(visits.visits[0].flags) == {"capacity-unknown", "draught-without-particulars"}
    assert visits.visits[0].status == "imputed"
    assert volume.barrels.measured.p95 == 0


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("9074729,,7.9,,pair", "7.9 m, where 6.93 m is her deepest; not used"),
        ("9074729,6.5,4.0,,pair", "did she discharge here"),
        ("9074729,,,41,", "41 t are 1% of what she carries"),
        ("9074729,,,9000,", "9000 t are 191%"),
        ("9319466,,,,", "not in the register"),
        ("9074729,3.9,6.6,,pair", ""),
    ],
)
def test_what_the_register_cannot_believe_is_said(tmp_path: Path, row: str, words: str) -> None:
    header = "date,imo,draught_arrival_m,draught_departure_m,cargo_t,evidence"
    visits, _ = ledger(table(tmp_path / "v.csv", header, f"2024-05-01,{row}"), KNOWN)
    said = [flag.message for flag in visits.flags if flag.code == "doubtful"]
    assert len(said) == bool(words)
    assert all(m.startswith("v.csv line 2: ") and words in m for m in said)
    assert len(visits.visits) == 1, "the call is counted all the same"
    if "not used" in words:
        assert visits.visits[0].status == "imputed"


def test_an_unknown_size_has_the_spread_of_the_trade(tmp_path: Path) -> None:
    (visit,) = ledger(table(tmp_path / "v.csv", "date,fill", "2024-05-01,0.9"))[0].visits
    assert visit.capacity is not None
    rng = np.random.default_rng(0)
    low, high = UNKNOWN_DEADWEIGHT
    drawn = 0.94 * np.exp(np.log(low * high) / 2 + np.log(high / low) / 4 * rng.standard_normal(400_000))
    assert visit.capacity.value == pytest.approx(drawn.mean(), rel=0.01)
    assert visit.capacity.sigma == pytest.approx(drawn.std(), rel=0.02)
    assert visit.capacity.interval90 == pytest.approx(np.quantile(drawn, [0.05, 0.95]), rel=0.01)


def test_calls_by_few_ships_are_surer_of_nothing(tmp_path: Path) -> None:
    """The size that is not known is one for all calls of a ship, and does not average out over them."""

    def spread(ships: str) -> float:
        path = table(tmp_path / "v.csv", "date,calls,ships,fill,fill_sigma", f"2024,40,{ships},0.9,0")
        total = ledger(path)[1].barrels.total
        return total.p95 - total.p05

    assert spread("4") == pytest.approx(spread("40") * np.sqrt(10), rel=0.2)
    assert spread("") == pytest.approx(spread("40"), rel=0.1)


def test_nothing_is_said_of_what_nobody_saw(tmp_path: Path) -> None:
    visits, volume = ledger(table(tmp_path / "v.csv", "date", "2024-05-01", "2025-05-01", "nonsense"))
    assert visits.unseen is None
    assert [f.code for f in volume.flags] == ["no-imagery", "line-refused"]
    assert volume.barrels.total == volume.barrels.baseline
    assert [c.year for c in volume.cap] == [2024, 2025]


def test_the_un_list_is_joined_as_of_the_date(tmp_path: Path) -> None:
    listed = replace(KNOWN, un_designated=True, un_designation_date="2024-06-01")
    path = table(tmp_path / "v.csv", "date,name", "2024-05-01,ALPHA", "2024-07-01,alpha")
    assert ledger(path, listed)[1].un_designated.visits == 1.0


# ------------------------------------------------------------------------------------------ the claims


def claim(key: str, low: float | None, high: float | None, days: str = "2024-03", **other: str) -> Claim:
    start, end = read_period(days)
    given = {"quantity": "barrels", "scope": "a", "source": key.upper(), "note": ""} | other
    return Claim(
        key=key,
        start=start.date().isoformat(),
        end=end.date().isoformat(),
        low=low,
        high=high,
        **given,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (claim("a", 165e3, None), claim("b", None, 125e3), "40,000 barrels apart"),
        (claim("a", 165e3, None), claim("b", None, 125e3, "2024-03-07/2024-03-31"), "unless as much fell"),
        (claim("a", 165e3, None), claim("b", None, 125e3, "2024"), "more than the whole"),
        (claim("a", 100e3, None), claim("b", None, 125e3), None),
        (claim("a", 165e3, None), claim("b", None, 125e3, scope="rail"), None),
        (claim("a", 165e3, None), claim("b", None, 125e3, quantity="calls"), None),
        (claim("a", 165e3, None, "2024"), claim("b", None, 125e3), None),
        (claim("a", 105845, 105845), claim("b", 105841, 105841), None),
    ],
)
def test_two_claims_that_cannot_both_hold(first: Claim, second: Claim, expected: str | None) -> None:
    for pair in ((first, second), (second, first)):
        found = find_contradictions(pair)
        assert [f.keys for f in found] == ([tuple(c.key for c in pair)] if expected else [])
        assert all(expected in f.message for f in found if expected)


def test_parts_must_add_up_and_silence_is_not_nil() -> None:
    parts = [claim(f"m{m}", 10.0 * m, 10.0 * m, f"2024-0{m}") for m in (1, 2, 3)]
    assert find_contradictions([*parts, claim("sum", 60, 60, "2024-01/2024-03")]) == ()
    (found,) = find_contradictions([*parts, claim("sum", 70, 70, "2024-01/2024-03")])
    assert found.keys == ("sum", "m1", "m2", "m3")
    silent = claim("silent", None, None, "2024-02/2024-12", scope="b-notified")
    (found,) = find_contradictions([silent, claim("a", 5, None, "2024"), claim("b", 0, 0, "2024-05")])
    assert found.keys == ("silent", "a")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("k,2024,barrels,a,5,2,s", "low"),
        ("k,2024,tons,a,5,,s", "quantity"),
        ("k,2024,barrels,a,5,,", "source"),
        ("k,24,barrels,a,5,,s", "date"),
        ("k,2024,barrels,a,x,,s", "low"),
        ("k,2024,barrels,a,1,,s,t,u", "more cells"),
    ],
)
def test_a_bad_claim_is_named_by_its_line(tmp_path: Path, line: str, words: str) -> None:
    path = table(tmp_path / "c.csv", "key,period,quantity,scope,low,high,source", line)
    with pytest.raises(InputError, match="line 2") as caught:
        read_claims(path)
    assert words in str(caught.value)


# --------------------------------------------------------------------------- the reported season of 2024


def reported(name: str) -> VolumeDocument:
    from pipeline.config import read_config

    fleet = read_fleet(None)
    config = update_config(read_config(CASE / "settings.toml"), {"volume": {"draws": 4000}})
    visits = write_ledger(read_calls(CASE / name), fleet, config=config)
    return measure_desk(visits, read_claims(CASE / "claims.csv"), fleet, config=config)


def test_43_calls_at_90_percent_are_about_a_million_barrels() -> None:
    volume = reported("visits.csv")
    assert volume.visits.seen == 43
    total = volume.barrels.total
    assert total.p05 < 1_000_000 < total.p95
    assert total.p50 == pytest.approx(1_000_000, rel=0.1)
    assert [c.year for c in volume.cap] == [2024]
    assert volume.cap[0].probability_crossed_by[-1].probability > 0.95
    (calls,) = [c for c in volume.claims if c.key == "osc-calls"]
    assert calls.ours is not None
    assert calls.ours.p50 == calls.low == 43
    march = [c for c in volume.claims if c.key == "us-barrels"]
    assert march[0].ours is None, "calls whose day is not known say nothing of one month"


def test_five_calls_of_march_go_with_125000_barrels_and_hardly_with_165000() -> None:
    volume = reported("rusi.csv")
    (rusi,) = [c for c in volume.claims if c.key == "rusi-barrels"]
    assert rusi.ours is not None
    assert rusi.high == 125_000
    assert rusi.ours.p05 < rusi.high < rusi.ours.p95
    assert rusi.ours.p95 < 1.05 * 165_000


def test_what_contradicts_in_the_reporting_is_shown() -> None:
    found = {c.keys: c.message for c in find_contradictions(read_claims(CASE / "claims.csv"))}
    assert "40,000 barrels apart" in found["rusi-barrels", "us-barrels"]
    assert ("voa-spring", *(f"russia-2023-0{m}" for m in range(1, 6))) in found
    (silence,) = [keys for keys in found if keys[0] == "russia-silent"]
    assert {"osc-barrels", "us-barrels"} <= set(silence)
    assert not any(keys[0] in {"russia-2023", "kbs-winter"} for keys in found), "rounding is no contradiction"


@pytest.mark.skipif(not FACTS.is_file(), reason="../shared/facts is not here")
def test_the_claims_are_those_of_the_facts() -> None:
    ours = {c.key: c for c in read_claims(CASE / "claims.csv")}
    names = {
        "osc_2024_trips": "osc-calls",
        "osc_2024_barrels": "osc-barrels",
        "rusi_2024_03_barrels": "rusi-barrels",
    }
    names |= {"us_2024_03_barrels": "us-barrels", "istories_2024_barrels": "istories-barrels"}
    names |= {
        "istories_2024_rail": "istories-rail",
        "osc_2024_load_factor": "osc-fill",
        "poe_2021": "panel-2021",
    }
    rows = {row["key"]: row for row in csv.DictReader(FACTS.read_text(encoding="utf-8").splitlines())}
    names |= {key: key.replace("russia_official_", "russia-") for key in rows if key.startswith("russia_")}
    assert len(names) == 8 + 14
    for key, name in names.items():
        row, said = rows[key], ours[name]
        assert (row["low"], row["high"]) == tuple(
            "" if v is None else f"{v:g}" if v < 1 else f"{v:.0f}" for v in (said.low, said.high)
        )


# ------------------------------------------------------------------------------------------ the command

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run_command(plimsoll, ["volume", *(str(a) for a in arguments)], Session())
        return code, *capsys.readouterr()

    return run


def test_the_command_prints_the_ledger_and_what_does_not_hold(call: Call, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    code, out, err = call("--visits", "vostochny-2024", "--report", page)
    assert (code, err) == (0, "")
    assert "43 listed, nobody says unseen" in out
    assert "40,000 barrels apart" in out
    assert "nothing reported from 2024-02-01" in out
    text = page.read_text(encoding="utf-8")
    assert "40,000 barrels apart" in text
    code, again, _ = call("--visits", "vostochny-2024", "--json")
    assert code == 0
    assert call("--visits", "vostochny-2024", "--json")[1] == again
    assert len(json.loads(again)["claims"]) == 36


def test_how_the_command_ends(call: Call, tmp_path: Path) -> None:
    path = table(tmp_path / "v.csv", "date,fill", "2024-05-01,0.9", "2024-05-02,90")
    code, out, err = call("--visits", path)
    assert code == 3
    assert "refused: v.csv line 3: fill" in err
    assert "1 listed" in out
    assert call("--visits", table(path, "date,fill", "2024-05-02,90"))[0] == 4
    assert call("--visits", table(path, "date,fill_pct", "2024-05-02,90"))[0] == 0
    assert call("--visits", table(path, "day", "2024-05-02"))[0] == 4
    code, _, err = call("--visits", "vostochny-2019")
    assert code == 2
    assert "vostochny-2024" in err
    assert call("--visits", "../fleet/register.csv")[0] == 2
    assert call("--fleet", path)[0] == 2


def test_an_empty_file_counts_nothing(tmp_path: Path) -> None:
    file = read_calls(table(tmp_path / "v.csv", "date"))
    assert file == CallsFile(name="v.csv", calls=(), refused=(), notes=())
    visits = write_ledger(file, (), config=CONFIG)
    assert measure_desk(visits, (), (), config=CONFIG).period is None
