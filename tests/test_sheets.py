"""Evidence sheets: whole, dated by their data, the same bytes again, every text from outside as text."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from render_examples import make_chip, make_season, make_site

from pipeline.datatypes import Identity, SignedIdentity
from pipeline.products import SignedReading
from pipeline.render.evidence import Season, render_sheet
from pipeline.render.pdf import printable
from pipeline.render.pdf_strip import looks_at


@pytest.fixture(scope="module")
def season() -> Season:
    visits, volume, results, crops = make_season()
    pictures = {
        name: cv2.imencode(".png", np.roll(crop[:, :, ::-1], number, axis=1))[1].tobytes()
        for number, (name, crop) in enumerate(crops.items())
    }
    site = make_site(make_chip((60, 60), 1.0, ships=()))
    return Season(visits=visits, volume=volume, results=results, site=site, pictures=pictures)


def text_of(data: bytes) -> str:
    """The text of every page, as a reader copies it."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not on this machine")
    made = subprocess.run(["pdftotext", "-layout", "-", "-"], input=data, capture_output=True, check=True)
    return re.sub(r"\s+", " ", made.stdout.decode())


def test_a_sheet_is_one_page_with_its_pictures_fonts_and_date(season: Season) -> None:
    data = render_sheet(season.visits.visits[0], season)
    assert data.startswith(b"%PDF-1.")
    assert data.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) == 1
    assert len(re.findall(rb"/Subtype\s*/Image", data)) == 2
    assert len(re.findall(rb"/FontFile2", data)) >= 2, "the fonts are inside"
    last = max(r.datetime for r in season.results if r.datetime is not None)
    assert f"/CreationDate (D:{last:%Y%m%d%H%M%S}Z)".encode() in data
    assert not re.findall(rb"/(JavaScript|JS|Launch|OpenAction|URI|EmbeddedFile)\b", data)


def test_the_same_season_gives_the_same_bytes(season: Season) -> None:
    visit = season.visits.visits[0]
    turned = replace(season, pictures=dict(reversed(list(season.pictures.items()))))
    assert render_sheet(visit, turned) == render_sheet(visit, season)


def test_every_visit_has_a_sheet_whatever_is_missing(season: Season) -> None:
    bare = replace(season, pictures={}, site=None, volume=replace(season.volume, by_visit=()))
    for visit in season.visits.visits:
        assert render_sheet(visit, bare).startswith(b"%PDF")
    nothing = replace(season.visits.visits[0], scene_ids=(), detection_ids=(), identity=(), departure=None)
    assert render_sheet(nothing, replace(bare, results=())).startswith(b"%PDF")


def test_many_looks_go_over_several_pages(season: Season) -> None:
    visit, times = season.visits.visits[0], 30
    long = replace(visit, scene_ids=visit.scene_ids * times, detection_ids=visit.detection_ids * times)
    assert len(re.findall(rb"/Type\s*/Page\b", render_sheet(long, season))) > 1


def test_the_sheet_says_what_it_rests_on(season: Season) -> None:
    said = text_of(render_sheet(season.visits.visits[0], season))
    assert "SIMULATED" in said
    assert "On arrival" in said
    assert "On departure" in said
    assert season.results[0].inputs[0].sha256 in said
    assert "plimsoll reprocess" in said
    assert "not a finding" in said
    plain = [replace(r, simulated=False) for r in season.results]
    real = replace(season, results=plain, visits=replace(season.visits, simulated=False))
    assert "SIMULATED" not in text_of(render_sheet(season.visits.visits[0], real)).replace("crop", "")


def test_what_was_signed_stands_on_the_sheet(season: Season) -> None:
    visit = season.visits.visits[0]
    where = {"scene_id": visit.scene_ids[0], "detection_id": visit.detection_ids[0]}
    at = datetime(2026, 11, 1, 12, tzinfo=UTC)
    word = SignedIdentity(imo=9074729, by="A. Analyst", at=at, **where)
    reading = SignedReading(freeboard=2.4, sigma=0.2, by="B. Reader", at=at, **where)
    signed = replace(season, visits=replace(season.visits, signed=(word,), readings=(reading,)))
    said = text_of(render_sheet(visit, signed))
    assert "signed: IMO 9074729, by A. Analyst" in said
    assert "read: freeboard 2.40 ± 0.20 m, by B. Reader" in said
    other = text_of(render_sheet(season.visits.visits[1], signed))
    assert "A. Analyst" not in other


def test_names_are_text_and_never_markup(season: Season) -> None:
    evil = '<font size="99">&amp;<img src="file:///etc/passwd"/></para>\x00\u202e=cmd'
    visit = replace(
        season.visits.visits[0],
        visit_id=evil,
        identity=(Identity(imo=None, name=evil, probability=1.0),),
        flags=(evil,),
    )
    data = render_sheet(visit, season)
    said = text_of(data)
    assert '<font size="99">' in said
    assert "passwd" in said
    assert len(re.findall(rb"/Subtype\s*/Image", data)) == 2


def test_what_the_font_lacks_is_named() -> None:
    assert printable("Größe 4 500 t ± 5 %") == "Größe 4\u00a0500\u00a0t ± 5\u00a0%"
    assert printable("Чон") == "[U+0427][U+043E][U+043D]"
    assert printable("e\u0301t\u0113") == "e[U+0301]te"
    assert printable("\u202e\x00a\nb") == "a b"


def test_the_strip_has_every_look_that_imaged_the_berth(season: Season) -> None:
    looks = looks_at("b1", season.results)
    expected = sum(b.id == "b1" and b.state != "not-imaged" for r in season.results for b in r.berths)
    assert len(looks) == expected > 5
    assert {state for _, state in looks} == {"occupied", "clear-empty", "obscured"}


def test_pictures_are_not_the_pngs_that_came_in(season: Season) -> None:
    """A page that is mailed is small: large crops go in as JPEG."""
    data = render_sheet(season.visits.visits[0], season)
    assert len(data) < 600_000
