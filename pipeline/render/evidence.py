"""The evidence sheet of one visit, for print: arrival beside departure, readings, identity, hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, Final

from pipeline.datatypes import Site
from pipeline.products import (
    DetectionResult,
    SceneResult,
    Visit,
    VisitBarrels,
    VisitsDocument,
    VolumeDocument,
)
from pipeline.render import words
from pipeline.render.cards import size_words
from pipeline.render.palette import ALERT, AMBER, INK, MUTED, SIMULATED
from pipeline.render.pdf import (
    BLUE,
    BOLD,
    GREEN,
    MONO,
    REGULAR,
    bars,
    colour,
    gauge,
    heading,
    load_fonts,
    marked,
    note,
    paragraph,
    printable,
    table,
)
from pipeline.render.pdf_strip import draw_strip
from pipeline.render.report_visits import WOULD_CHANGE, compact, quantity, signed_lines, tonnes

PAGE: Final = (595.28, 841.89)
"""A4 [pt]."""
_SIDE: Final = 36.0
_WIDTH: Final = PAGE[0] - 2 * _SIDE
_HALF: Final = _WIDTH / 2 - 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """What a sheet is drawn from."""

    visits: VisitsDocument
    volume: VolumeDocument
    results: Sequence[SceneResult]
    site: Site | None
    pictures: Mapping[str, bytes]
    """PNG, JPEG by "scene id/detection id": the ship, bow to the right."""


Sighting = tuple[SceneResult, DetectionResult]


def render_sheet(visit: Visit, season: Season) -> bytes:
    """The sheet of one visit as PDF, A4; the same season gives the same bytes.

    Its date is that of the last scene, not of the clock. Nothing is fetched; the fonts are embedded.
    """
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Spacer

    load_fonts()
    scenes = {result.scene_id: result for result in season.results}
    seen = _sightings(visit, scenes)
    barrels = next((b for b in season.volume.by_visit if b.visit_id == visit.visit_id), None)
    simulated = season.visits.simulated or any(result.simulated for result, _ in seen)
    story = [
        *_head(visit, season, barrels),
        *_pictures(visit, seen, season.pictures),
        heading("What was read"),
        _readings(seen),
        Spacer(1, 5),
        _who_and_why(visit, season, barrels),
        Spacer(1, 3),
        heading("Looks at the berth, before and after"),
        draw_strip(visit, season.results, _WIDTH),
        Spacer(1, 4),
        *_judgement(visit),
        *_provenance(seen, season),
        *_signature(),
    ]
    times = [r.datetime for r in season.results if r.datetime is not None]
    page = _Page(visit, season, simulated=simulated, date=max(times, default=None))
    buffer = BytesIO()
    document = BaseDocTemplate(
        buffer, pagesize=PAGE, invariant=1, title=printable(f"Visit {visit.visit_id}"), author="plimsoll"
    )
    frame = Frame(
        _SIDE, 40, _WIDTH, PAGE[1] - 84, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0
    )
    document.addPageTemplates([PageTemplate(frames=[frame], onPage=page.draw)])
    document.build(story)
    return buffer.getvalue()


class _Page:
    """What stands on every page around the text."""

    def __init__(self, visit: Visit, season: Season, *, simulated: bool, date: datetime | None) -> None:
        self.visit, self.season, self.simulated, self.date = visit, season, simulated, date

    def draw(self, canvas: Any, document: Any) -> None:
        """Banner and footer; the date of the file."""
        if self.date is not None:
            stamp = f"D:{self.date:%Y%m%d%H%M%S}Z"
            canvas.setDateFormatter(lambda *_: stamp)
        if self.simulated:
            canvas.setFillColor(colour(SIMULATED))
            canvas.rect(0, PAGE[1] - 22, PAGE[0], 22, stroke=0, fill=1)
            canvas.setFillColor(colour((255, 255, 255)))
            canvas.setFont(BOLD, 9)
            said = "SIMULATED: ship, images and barrels are invented, to show and test the method"
            canvas.drawCentredString(PAGE[0] / 2, PAGE[1] - 15, said)
        canvas.setFillColor(colour(MUTED))
        canvas.setFont(REGULAR, 6.5)
        canvas.drawString(
            _SIDE, 24, printable(f"plimsoll evidence sheet, visit {self.visit.visit_id}", limit=90)
        )
        canvas.drawRightString(PAGE[0] - _SIDE, 24, f"page {document.page}")


def _sightings(visit: Visit, scenes: Mapping[str, SceneResult]) -> list[Sighting]:
    """The visit's looks in the order of time."""
    found = []
    for scene_id, detection_id in zip(visit.scene_ids, visit.detection_ids, strict=False):
        result = scenes.get(scene_id)
        ship = None if result is None else next((d for d in result.detections if d.id == detection_id), None)
        if result is not None and ship is not None:
            found.append((result, ship))
    return sorted(found, key=lambda s: (words.utc(s[0].datetime), s[0].scene_id))


def _head(visit: Visit, season: Season, barrels: VisitBarrels | None) -> list[Any]:
    """Which visit, where, on what evidence; when, how full, how much."""
    measured, departure = visit.status == "measured", visit.departure
    evidence = words.EVIDENCE[visit.evidence]
    said = paragraph(
        marked(evidence if measured else f"cargo imputed: {evidence}"),
        8,
        tint=BLUE if measured else AMBER,
        align=2,
        bold=True,
    )
    title = paragraph(f"<b>{marked(f'Visit {visit.visit_id}')}</b>", 15, tint=INK)
    top = [[title, said], [paragraph(marked(_where(visit, season.site)), 9), ""]]
    fill = "not measured"
    if departure is not None:
        interval = words.interval_percent(departure.interval90)
        fill = f"{100 * departure.fraction:.0f} % (90 %: {interval})"
    timezone = "UTC" if season.site is None else season.site.timezone
    boxes = [
        ("Arrived", _window(visit.arrival_window, timezone)),
        ("Left", _window(visit.departure_window, timezone)),
        ("Fill on departure", marked(fill)),
        ("Cargo loaded", marked(tonnes(visit.cargo_loaded))),
        ("Barrels", "not known" if barrels is None else f"<b>{marked(quantity(barrels.barrels))}</b>"),
    ]
    cells = [
        [paragraph(marked(name), 7, tint=MUTED) for name, _ in boxes],
        [paragraph(markup, 8) for _, markup in boxes],
    ]
    rows = [
        table(top, [0.6 * _WIDTH, 0.4 * _WIDTH], lines=False, pad=1),
        table(cells, [share * _WIDTH for share in (0.235, 0.235, 0.17, 0.18, 0.18)], lines=False, pad=1),
    ]
    if departure is not None:
        low, high = departure.interval90
        rows.append(gauge(low, departure.fraction, high, _WIDTH, measured=measured))
    return rows


def _where(visit: Visit, site: Site | None) -> str:
    berths = {} if site is None else {f.id: f for f in site.of_role("berth")}
    berth = berths.get(visit.berth_id or "")
    where = visit.berth_id or "at anchor"
    if berth is not None:
        where = (berth.name or berth.id) + ("" if berth.verified else " (candidate berth, not verified)")
    return f"{visit.site if site is None else site.name}, {where}"


def _window(bounds: tuple[datetime, datetime | None], timezone: str) -> str:
    """Markup: UTC, and the time of the place under it."""
    earliest, latest = bounds
    if latest is None:
        said = f"after {words.utc(earliest)}; not seen to have left"
    elif earliest == latest:
        said = words.utc(earliest)
    else:
        said = f"{words.utc(earliest).removesuffix(' UTC')} to {words.utc(latest)}"
    local = words.local_time(latest or earliest, timezone)
    return marked(said) + (f'<br/><font size="6.5">{marked(f"{local} (last)")}</font>' if local else "")


def _pictures(visit: Visit, seen: Sequence[Sighting], pictures: Mapping[str, bytes]) -> list[Any]:
    """Arrival at the left, departure at the right: the first and last look, measured ones before others."""
    shown = [s for s in seen if f"{s[0].scene_id}/{s[1].id}" in pictures]
    if not shown:
        return [note("No picture of this visit is in the folder.")]
    measured = [s for s in shown if s[1].freeboard is not None]
    first = measured[0] if measured else shown[0]
    last = measured[-1] if measured else shown[-1]
    pairs = [(first, "On arrival" if visit.arrival is not None else "First look")]
    if last is not first:
        pairs.append((last, "On departure" if visit.departure is not None else "Last look"))
    cells: list[Any] = [_picture(label, sighting, pictures) for sighting, label in pairs]
    cells += [""] * (2 - len(cells))
    return [table([cells], [_WIDTH / 2, _WIDTH / 2], lines=False, pad=4)]


def _picture(label: str, sighting: Sighting, pictures: Mapping[str, bytes]) -> list[Any]:
    from reportlab.platypus import Image

    result, ship = sighting
    image = Image(BytesIO(compact(pictures[f"{result.scene_id}/{ship.id}"])))
    image.drawHeight = _HALF * image.imageHeight / image.imageWidth
    image.drawWidth = _HALF
    image.hAlign = "LEFT"
    said = f"{words.utc(result.datetime)}, {result.scene_id}, {result.platform or 'platform unknown'}"
    if result.gsd is not None:
        said += f", {result.gsd:.2g} m pixels"
    credit = words.credit(result.platform, result.datetime)
    caption = f"<b>{marked(label)}</b>: {marked(said)}" + (f". {marked(credit)}" if credit else "")
    return [image, paragraph(caption, 7, tint=MUTED)]


def _readings(seen: Sequence[Sighting]) -> Any:
    """A row a look; the reason where nothing was measured."""
    head = ("time (UTC), scene", "length × beam, heading", "freeboard, cues", "draught", "load")
    rows = [[paragraph(f"<b>{marked(h)}</b>", 7, tint=MUTED) for h in head]]
    for result, ship in seen[:8]:
        rows.append(
            [
                paragraph(f"{marked(_when(result))}<br/>{marked(result.scene_id)}", 7),
                paragraph(marked(size_words(ship)), 7),
                paragraph(_freeboard(ship), 7),
                paragraph(
                    marked(words.draught_reading(ship.draught)) if ship.draught is not None else "–", 7
                ),
                paragraph(marked(words.load_reading(ship.load)) if ship.load is not None else "–", 7),
            ]
        )
    if len(seen) > 8:
        rows.append([note(f"and {len(seen) - 8} more looks"), "", "", "", ""])
    return table(rows, [w * _WIDTH for w in (0.22, 0.22, 0.26, 0.15, 0.15)])


def _when(result: SceneResult) -> str:
    return words.utc(result.datetime).removesuffix(" UTC")


def _freeboard(ship: DetectionResult) -> str:
    if ship.freeboard is None:
        code = "unknown" if ship.not_measurable is None else ship.not_measurable.code
        return f'<font color="#96560a">not measured: {marked(code)}</font>'
    cues = "; ".join(
        f"{c.cue.replace('-', ' ')} {words.metres(c.value)} ± {words.metres(c.sigma)}"
        for c in ship.freeboard.cues
    )
    said = f"<b>{marked(words.freeboard_reading(ship.freeboard))}</b>"
    return said + (f"<br/>{marked(cues)}" if cues else "")


def _who_and_why(visit: Visit, season: Season, barrels: VisitBarrels | None) -> Any:
    """Who she may be at the left, where the error comes from at the right."""
    order = sorted(visit.identity, key=lambda i: (-i.probability, i.imo is None, i.imo or 0, i.name or ""))
    names = [(words.candidate(i), i.probability, words.percent(i.probability)) for i in order[:5]]
    left: list[Any] = [heading("Who she may be, ranked")]
    left += [bars(names, _HALF, tint=(201, 206, 214))] if names else [note("not ranked")]
    lines = signed_lines(visit, season.visits)
    left += [paragraph(f"<b>{marked(line)}</b>", 7.2, tint=GREEN) for line in lines]
    right: list[Any] = [heading("Error of the barrels by source (one sigma)")]
    if barrels is not None and barrels.budget:
        terms = [
            (words.term(t.term), t.sigma_barrels, f"± {words.two_figures(t.sigma_barrels)} bbl")
            for t in barrels.budget[:8]
        ]
        right.append(bars(terms, _HALF))
    else:
        right.append(note("no budget"))
    return table([[left, right]], [_WIDTH / 2, _WIDTH / 2], lines=False)


def _judgement(visit: Visit) -> list[Any]:
    made: list[Any] = [
        paragraph(f"<b>What would change this</b>: {marked(WOULD_CHANGE[visit.evidence])}", 7.5)
    ]
    if visit.flags:
        made.append(paragraph(f"<b>Flags</b>: {marked(', '.join(visit.flags))}", 7.5, tint=AMBER))
    return made


def _provenance(seen: Sequence[Sighting], season: Season) -> list[Any]:
    """Bytes, beliefs, settings and the command that makes it again."""
    from reportlab.platypus import Spacer

    def code(text: str) -> Any:
        return paragraph(f'<font name="{MONO}" size="6.2">{marked(text)}</font>', 6.4)

    rows: list[list[Any]] = []
    for result, _ in seen:
        for item in result.inputs:
            rows.append([note(f"{result.scene_id}: {item.path}", 6.2), code(item.sha256)])
    models = sorted({pair for result, _ in seen for pair in result.software.models.items()})
    rows += [[note(f"belief {name}", 6.2), code(sha)] for name, sha in models]
    settings = sorted({result.software.config_sha256 for result, _ in seen})
    rows += [[note("settings", 6.2), code(sha)] for sha in settings]
    versions = ", ".join(sorted({result.software.version for result, _ in seen})) or "unknown"
    volume = season.volume
    density = f"{volume.product.density15:g} ± {volume.product.density15_sigma:g} kg/m3 at 15 °C"
    rows.append(
        [
            note("made with", 6.2),
            code(
                f"plimsoll {versions}; {volume.draws} draws, seed {volume.seed}; "
                f"{volume.product.name}, {density}"
            ),
        ]
    )
    scenes = " ".join(dict.fromkeys(result.scene_id for result, _ in seen))
    rows.append([note("make it again", 6.2), code(f"plimsoll reprocess {scenes}")])
    return [
        Spacer(1, 4),
        heading("Provenance (sha256)"),
        table(rows, [0.34 * _WIDTH, 0.66 * _WIDTH], pad=0.8),
    ]


def _signature() -> list[Any]:
    said = "Machine reading of satellite images. A rank is not a finding; no name, no breach is asserted."
    line = (
        "Agrees [ ]   Does not agree [ ]   Analyst ________________________________   Date ________________"
    )
    return [
        paragraph(f"<br/>{marked(said)}", 7.5, tint=ALERT),
        paragraph(f"<br/>{marked(line)}", 7.5),
    ]
