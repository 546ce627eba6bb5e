"""The report: safe to open, complete without a network, and true to the documents it is made from."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from render_examples import START, make_chip, make_season, make_site, make_visits, make_volume

from pipeline.datatypes import Identity, SignedIdentity
from pipeline.load.particulars import TERMS
from pipeline.products import (
    Alongside,
    Quantiles,
    SceneResult,
    SignedReading,
    Visit,
    VisitsDocument,
    VolumeDocument,
    Voyage,
    VoyageCall,
)
from pipeline.render import render_report, words
from pipeline.render.plots import load_chart
from pipeline.render.report_visits import picture_uri, visit_card
from pipeline.render.season import (
    berth_rows,
    common_share,
    cumulative,
    departure_times,
    joint_width,
    season_span,
    site_days,
    year_of,
)

VOID = {"meta", "img", "br", "rect", "line", "circle", "path"}
NO_VISITS = VisitsDocument(visits=(), coverage=replace(make_visits().coverage, usable_times=(), by_month=()))
ZERO = Quantiles(p05=0.0, p50=0.0, p95=0.0)


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails on tags that do not close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.words: list[str] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "action", "data"}:
                self.links.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)
            if name == "id":
                self.ids.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another tag"

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words).replace("\u202f", " "))


@pytest.fixture(scope="module")
def season() -> tuple[VisitsDocument, VolumeDocument, list[SceneResult], dict[str, bytes]]:
    visits, volume, results, crops = make_season()
    pictures = {name: cv2.imencode(".jpg", crop[:, :, ::-1])[1].tobytes() for name, crop in crops.items()}
    return visits, volume, results, pictures


def page_of(season: tuple[VisitsDocument, VolumeDocument, list[SceneResult], dict[str, bytes]]) -> Page:
    visits, volume, results, pictures = season
    site = make_site(make_chip((60, 60), 1.0, ships=()))
    return Page(render_report(visits, volume, results, site=site, pictures=pictures))


def test_the_page_needs_nothing_else(
    season: tuple[VisitsDocument, VolumeDocument, list[SceneResult], dict[str, bytes]],
) -> None:
    page = page_of(season)
    assert page.tags["script"] == page.tags["link"] == page.tags["iframe"] == page.tags["object"] == 0
    assert page.handlers == []
    assert all(link.startswith(("data:image/jpeg;base64,", "#")) for link in page.links)
    assert page.tags["img"] == 6  # every scene of every visit
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert not link.startswith("#") or link[1:] in page.ids


def test_names_cannot_become_markup(
    season: tuple[VisitsDocument, VolumeDocument, list[SceneResult], dict[str, bytes]],
) -> None:
    visits, volume, results, pictures = season
    evil = '"><img src=x onerror=alert(1)></style><script>alert(1)</script>\x00\u202e'
    results = [replace(r, scene_id=evil + r.scene_id, platform=evil) for r in results]
    calls = tuple(
        replace(v, visit_id=evil + v.visit_id, berth_id=evil, scene_ids=tuple(evil + s for s in v.scene_ids))
        for v in visits.visits
    )
    volume = replace(
        volume,
        product=replace(volume.product, name=evil),
        by_visit=tuple(
            replace(b, visit_id=evil + b.visit_id, budget=(replace(b.budget[0], term=evil),))
            for b in volume.by_visit
        ),
    )
    site = replace(make_site(make_chip((60, 60), 1.0, ships=())), name=evil)
    shown = {evil + name: data for name, data in pictures.items()}
    html = render_report(replace(visits, visits=calls), volume, results, site=site, pictures=shown)
    page = Page(html)
    assert page.tags["script"] == 0
    assert page.handlers == []
    assert page.tags["img"] == 6
    assert "\x00" not in html
    assert "\u202e" not in html


def test_the_headline_has_its_interval_and_what_it_rests_on(
    season: tuple[VisitsDocument, VolumeDocument, list[SceneResult], dict[str, bytes]],
) -> None:
    said = page_of(season).text
    assert "150 000 barrels" in said
    assert "90 %: 130 000 to 160 000" in said
    assert "110 000 (90 %: 100 000–120 000)" in said
    assert "10 of 15" in said
    assert "1 visits may have been missed (90 %: 0–4)" in said
    assert "almost no chance (1 %)" in said
    assert "37 000 (90 %: 33 000–40 000)" in said
    assert "none of these" in said


def test_simulated_data_and_candidate_berths_are_said(
    season: tuple[VisitsDocument, VolumeDocument, list[SceneResult], dict[str, bytes]],
) -> None:
    said = page_of(season).text
    assert "SIMULATED DATA" in said
    assert "Berths not confirmed: b2" in said
    assert "truncated: scene.tif ends after 4,096 bytes" in said
    visits, volume, results, _ = season
    real = [replace(r, simulated=False) for r in results]
    plain = render_report(replace(visits, simulated=False), replace(volume, simulated=False), real)
    assert "SIMULATED" not in plain


def test_the_order_of_the_scenes_does_not_matter(
    season: tuple[VisitsDocument, VolumeDocument, list[SceneResult], dict[str, bytes]],
) -> None:
    visits, volume, results, pictures = season
    first = render_report(visits, volume, results, pictures=pictures)
    turned = dict(reversed(pictures.items()))
    assert render_report(visits, volume, results[::-1], pictures=turned) == first


def test_what_was_signed_and_where_she_went_on_are_said(
    season: tuple[VisitsDocument, VolumeDocument, list[SceneResult], dict[str, bytes]],
) -> None:
    visits, volume, results, pictures = season
    first = visits.visits[0]
    where = {"scene_id": first.scene_ids[0], "detection_id": first.detection_ids[0]}
    evil = "<b>A. Analyst</b>"
    call = VoyageCall(
        site=evil,
        visit_id="port-1",
        probability=0.83,
        arrival_window=(START, START + timedelta(days=2)),
        fraction_on_arrival=0.88,
    )
    document = replace(
        visits,
        signed=(SignedIdentity(imo=9074729, by=evil, at=START, **where),),
        readings=(SignedReading(freeboard=2.4, sigma=0.2, by="B", at=START, **where),),
        elsewhere=(replace(first, visit_id="port-1"),),
        voyages=(Voyage(visit_id=first.visit_id, calls=(call,)),),
    )
    page = Page(render_report(document, volume, results, pictures=pictures))
    assert "signed: IMO 9074729, by <b>A. Analyst</b>" in page.text
    assert "read: freeboard 2.40 ± 0.20 m, by B" in page.text
    assert "Beyond the terminal" in page.text
    assert "very likely (83 %)" in page.text
    assert "signed" not in Page(render_report(visits, volume, results)).text


def test_the_calendar_has_every_day_and_names_the_month_of_which_nothing_is_known(
    season: tuple[VisitsDocument, VolumeDocument, list[SceneResult], dict[str, bytes]],
) -> None:
    visits, volume, results, _ = season
    html = render_report(visits, volume, results)
    span = season_span(visits, volume, results)
    assert span is not None
    days = site_days(berth_rows(visits, results, None, span), span)
    for state, kind in (("seen", "day-seen"), ("hidden", "day-hidden"), ("no-look", "day-none")):
        assert html.count(f'class="cell {kind}"') == sum(s == state for s in days.values()) > 0
    assert "Nothing is known of" not in html
    blind = [replace(r, berths=tuple(replace(b, state="obscured") for b in r.berths)) for r in results]
    hidden = Page(render_report(visits, volume, blind)).text
    assert "Nothing is known of September 2026" in hidden


def test_every_visit_has_its_bar(
    season: tuple[VisitsDocument, VolumeDocument, list[SceneResult], dict[str, bytes]],
) -> None:
    visits, volume, _, _ = season
    chart = load_chart(visits.visits, {b.visit_id: b for b in volume.by_visit})
    assert chart.count('class="interval ') == len(visits.visits)
    longest = max(float(w) for w in re.findall(r'width="([0-9.]+)" height="12.0" class="interval', chart))
    widest = max(b.barrels.p95 - b.barrels.p05 for b in volume.by_visit)
    top = max(b.barrels.p95 for b in volume.by_visit)
    assert longest == pytest.approx((1080 - 130 - 330) * widest / (1.03 * top), rel=0.01)
    assert load_chart((), {}) == ""


def test_an_empty_season_has_a_page() -> None:
    volume = make_volume()
    nothing = replace(
        volume,
        period=None,
        cap=(),
        by_visit=(),
        barrels=replace(volume.barrels, measured=ZERO, imputed=ZERO, unseen=ZERO, baseline=ZERO, total=ZERO),
    )
    said = Page(render_report(NO_VISITS, nothing, ())).text
    assert "0 barrels" in said
    assert "No tanker was seen" in said


def test_only_pictures_are_embedded() -> None:
    assert picture_uri(b"<svg onload=alert(1)>") is None
    assert picture_uri(b"") is None
    assert (picture_uri(b"\x89PNG\r\n\x1a\n123") or "").startswith("data:image/png;base64,")
    assert (picture_uri(b"RIFF0000WEBPVP8 ") or "").startswith("data:image/webp;base64,")


def test_a_large_png_is_embedded_as_jpeg() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    data = cv2.imencode(".png", noise)[1].tobytes()
    uri = picture_uri(data)
    assert uri is not None
    assert uri.startswith("data:image/jpeg;base64,")
    assert len(uri) < len(data)
    assert picture_uri(data[:60_000] + b"cut") is not None  # a damaged one does no harm


# -------------------------------------------------------------------------------------------- season

WIDTHS = st.lists(st.floats(1.0, 1e5), min_size=2, max_size=12)


@given(WIDTHS, st.floats(0.0, 1.0))
def test_the_shared_part_of_an_error_is_found_again(widths: list[float], common: float) -> None:
    whole = joint_width(widths, common)
    assert joint_width(widths, common_share(widths, whole)) == pytest.approx(whole, rel=1e-6)
    assert math.sqrt(sum(w * w for w in widths)) * (1 - 1e-9) <= whole <= sum(widths) * (1 + 1e-9)


def test_the_last_step_is_the_baseline() -> None:
    visits, volume = make_visits(), make_volume()
    steps = cumulative(visits, volume, 2026)
    total = sum(item.barrels.p50 for item in volume.by_visit)
    baseline = volume.barrels.baseline
    assert total != baseline.p50, "medians of skewed cargoes do not add up"
    assert steps[-1].middle == pytest.approx(baseline.p50)
    assert steps[-1].high == pytest.approx(baseline.p95, rel=1e-6)
    assert steps[-1].low == pytest.approx(baseline.p05, rel=1e-6)
    widths = [step.high - step.low for step in steps]
    assert widths == sorted(widths)


def test_every_year_starts_from_nothing() -> None:
    visits, volume = make_visits(), make_volume()

    def later(visit: Visit) -> Visit:
        earliest, latest = visit.departure_window
        year = timedelta(days=90)
        return replace(visit, departure_window=(earliest + year, None if latest is None else latest + year))

    split = replace(visits, visits=(*visits.visits[:2], *(later(v) for v in visits.visits[2:])))
    first, second = cumulative(split, volume, 2026), cumulative(split, volume, 2027)
    assert [len(first), len(second)] == [2, 2]
    share = volume.barrels.baseline.p50 / sum(item.barrels.p50 for item in volume.by_visit)
    assert second[0].middle == pytest.approx(share * volume.by_visit[2].barrels.p50)
    assert cumulative(split, volume, 2031) == ()


def test_a_year_shows_its_own_days() -> None:
    span = (datetime(2026, 11, 3, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
    assert year_of(span, 2026) == (span[0], datetime(2027, 1, 1, tzinfo=UTC))
    assert year_of(span, 2027) == (datetime(2027, 1, 1, tzinfo=UTC), span[1])
    assert year_of(span, 2030) == (datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC))


def test_departures_are_placed_in_the_middle_of_their_window() -> None:
    visits = make_visits().visits
    times = departure_times(visits)
    earliest, latest = visits[0].departure_window
    assert latest is not None
    assert times[visits[0].visit_id] == earliest + (latest - earliest) / 2
    assert times[visits[-1].visit_id] == visits[-1].departure_window[0]


def test_calls_that_nobody_told_apart_are_spread_over_their_window() -> None:
    first = make_visits().visits[0]
    window = (START, START + timedelta(days=4))
    calls = [replace(first, visit_id=name, departure_window=window) for name in "abc"]
    assert list(departure_times(calls).values()) == [START + timedelta(days=d) for d in (1, 2, 3)]


def test_hidden_days_are_those_without_a_clear_look(
    season: tuple[VisitsDocument, VolumeDocument, list[SceneResult], dict[str, bytes]],
) -> None:
    visits, volume, results, _ = season
    span = season_span(visits, volume, results)
    assert span is not None
    rows = {row.id: row for row in berth_rows(visits, results, None, span)}
    days = dict(rows["b1"].days)
    assert days[(START + timedelta(days=14)).date()] == "hidden"
    assert days[(START + timedelta(days=2)).date()] == "seen"
    assert days[(START + timedelta(days=3)).date()] == "no-look"
    assert Counter(days.values())["hidden"] == 4
    both = [*results, replace(results[6], scene_id="again", berths=results[0].berths)]
    clear = dict({row.id: row for row in berth_rows(visits, both, None, span)}["b1"].days)
    assert clear[(START + timedelta(days=15)).date()] == "seen"  # one clear look that day is enough
    assert rows["b2"].verified is False


def test_a_ship_that_lay_beside_her_stands_on_her_card() -> None:
    visit = make_visits().visits[0]
    cargo = visit.cargo_loaded
    other = Alongside(
        identity=(Identity(imo=None, name="<b>OTHER", probability=0.75),),
        scene_ids=("s1",),
        detection_ids=("d2",),
        first_beside=START,
        last_beside=START,
        cargo=None,
        counted=False,
    )
    card = visit_card(replace(visit, alongside=(other,)), None, {}, {})
    assert "&lt;b&gt;OTHER" in card
    assert "what she took was not measured" in card
    counted = replace(other, cargo=cargo, counted=True)
    card = visit_card(replace(visit, alongside=(counted,)), None, {}, {})
    assert "added to this visit&#x27;s" in card
    assert "Beside her" not in visit_card(visit, None, {}, {})


def test_terms_of_a_budget_are_said_in_words() -> None:
    visits, volume = make_visits(), make_volume()
    (barrels,) = [b for b in volume.by_visit if b.visit_id == visits.visits[0].visit_id]
    budget = tuple(
        replace(barrels.budget[0], term=name) for name in (*TERMS, "identity", "image", "condition")
    )
    for part in range(0, len(budget), 7):
        some = budget[part : part + 7]
        card = visit_card(visits.visits[0], replace(barrels, budget=some), {}, {})
        for term in some:
            assert words.term(term.term) in card
            assert "-" not in words.term(term.term)
    assert words.term("condition") == "cargo or water ballast"
    assert words.term("new-term") == "new term"
