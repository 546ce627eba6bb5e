"""The season on one self-contained page: no script, nothing fetched, every name escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from html import escape
from importlib.resources import files

from pipeline.datatypes import Site
from pipeline.products import CapYear, SceneResult, VisitsDocument, VolumeDocument
from pipeline.render import words
from pipeline.render.plots import calendar, load_chart
from pipeline.render.report_claims import claims_section, voyages_section
from pipeline.render.report_headline import headline
from pipeline.render.report_tables import coverage_table, method, provenance, scene_table, table
from pipeline.render.report_visits import quantity, signed_lines, text, visit_card, window_words
from pipeline.render.season import BerthRow, berth_rows, cumulative, season_span, site_days, year_of
from pipeline.render.svg import cap_chart, hatching, timeline

_FOCUS = 'tabindex="0" role="region" aria-label="Chart"'
"""What may scroll sideways must be reachable with the keyboard."""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def render_report(
    visits: VisitsDocument,
    volume: VolumeDocument,
    results: Sequence[SceneResult],
    *,
    site: Site | None = None,
    pictures: Mapping[str, bytes] | None = None,
) -> str:
    """The report as one HTML page.

    Parameters
    ----------
    visits, volume
        The season's two documents.
    results
        Of every scene, in any order; the page lists them by time.
    site
        Names and order of the berths; None takes them from the results.
    pictures
        PNG, JPEG or WebP bytes: "<scene id>/<detection id>" is a crop of one ship, "<scene id>" a
        thumbnail of the scene. The crop is preferred on a visit's card; what is missing is left out.

    Returns
    -------
    A complete document that needs no other file and no network. The same inputs give the same text.
    """
    shown = dict(pictures or {})
    scenes = sorted(results, key=lambda r: (r.datetime is None, words.utc(r.datetime), r.scene_id))
    by_id = {result.scene_id: result for result in scenes}
    name = site.name if site is not None else _site_of(visits, scenes)
    simulated = volume.simulated or visits.simulated or any(r.simulated for r in scenes)
    barrels = {item.visit_id: item for item in volume.by_visit}
    cards = [
        visit_card(v, barrels.get(v.visit_id), by_id, shown, signed_lines(v, visits))
        for v in visits.visits
        if v.scene_ids
    ]
    body = [
        _header(name, volume, simulated=simulated),
        "<main>",
        headline(visits, volume, scenes),
        _charts(visits, volume, scenes, site),
        claims_section(volume),
        '<section><h2 id="visits">Visits</h2>',
        "".join(cards) or _without_images(visits, volume),
        "</section>",
        voyages_section(visits),
        scene_table(scenes) if scenes else "",
        coverage_table(visits),
        method(volume, site, scenes),
        provenance(volume, scenes),
        "</main>",
        "<footer>Made by plimsoll. Machine readings from satellite images; every number can be redone from "
        "the inputs named above. A rank is not a finding: an analyst signs.</footer>",
    ]
    style = files("pipeline.render").joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY, quote=True)}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Oil loaded at {text(name or '')}</title><style>{style}</style></head><body>"
        + "".join(body)
        + "</body></html>\n"
    )


def _site_of(visits: VisitsDocument, scenes: Sequence[SceneResult]) -> str:
    sites = [*(result.site for result in scenes), *(visit.site for visit in visits.visits)]
    return next((site for site in sites if site), "unnamed site")


def _without_images(visits: VisitsDocument, volume: VolumeDocument) -> str:
    """The calls of a ledger as a table; what was left out of it, line by line."""
    if not visits.visits:
        return "<p>No tanker was seen at a berth in these scenes.</p>"
    barrels = {item.visit_id: item.barrels for item in volume.by_visit}
    rows = [
        [
            f'<span id="{text(v.visit_id)}">{text(v.visit_id)}</span>',
            text(window_words(v.departure_window)),
            text(words.candidate(v.identity[0])),
            text(words.EVIDENCE[v.evidence]),
            text(quantity(barrels[v.visit_id])) if v.visit_id in barrels else "",
            text(", ".join(v.flags)),
        ]
        for v in visits.visits
    ]
    notes = "".join(f"<li>{text(flag.message)}</li>" for flag in volume.flags)
    head = ("call", "left", "ship, by the source", "evidence", "barrels", "flags")
    return f"<ul>{notes}</ul>{table(head, rows)}"


def _header(name: str | None, volume: VolumeDocument, *, simulated: bool) -> str:
    banner = (
        '<div class="banner" role="note">SIMULATED DATA '
        "<span>ships, images and barrels on this page are invented, to show and test the method</span></div>"
        if simulated
        else ""
    )
    period = "no dated scene"
    if volume.period is not None:
        start, end = volume.period.start, volume.period.end
        period = f"{start.day} {start:%B %Y} to {end.day} {end:%B %Y}"
    title = f"Oil loaded at {text(name or 'unnamed site')}"
    return f'{banner}<header class="top"><h1>{title}</h1><p class="muted">{period}</p></header>'


def _charts(
    visits: VisitsDocument, volume: VolumeDocument, scenes: Sequence[SceneResult], site: Site | None
) -> str:
    span = season_span(visits, volume, scenes)
    if span is None:
        return ""
    rows = berth_rows(visits, scenes, site, span)
    shown = [row for row in rows if row.visits or row.looks]
    looked = any(row.looks for row in rows)
    silent = len(rows) - len(shown)
    html = hatching()
    if looked:
        html += _section("timeline", "Visits and looks", timeline(shown, span)) + _TIMELINE_KEY
        if silent:
            html += f'<p class="muted">{silent} more berths of the site were not imaged.</p>'
        html += "</section>" + _calendar(visits, rows, span)
    html += '<section><h2 id="cap">Barrels against the yearly limit</h2>'
    for cap in volume.cap:
        steps = cumulative(visits, volume, cap.year)
        total = volume.barrels.total if len(volume.cap) == 1 and looked else None
        title = f"<h3>{cap.year}</h3>" if len(volume.cap) > 1 else ""
        chart = cap_chart(steps, cap, year_of(span, cap.year), total)
        html += f'{title}<div class="chart" {_FOCUS}>{chart}</div>{_cap_words(cap, looked=looked)}'
    if volume.cap:
        html += (
            '<p class="muted">Steps stand at the middle of each departure window. The band is the central '
            "90 %; errors that visits share (deck edge, load line, product) do not average out in it. The "
            "limit is that of UN Security Council resolution 2397 (2017), all suppliers together; one "
            "terminal is part of it.</p>"
        )
    loads = load_chart(visits.visits, {item.visit_id: item for item in volume.by_visit})
    if loads:
        html += "</section>" + _section("loads", "Barrels by visit", loads) + _LOAD_KEY
    return html + "</section>"


def _section(name: str, title: str, chart: str) -> str:
    """A section with a chart, left open."""
    return f'<section><h2 id="{name}">{title}</h2><div class="chart" {_FOCUS}>{chart}</div>'


def _calendar(visits: VisitsDocument, rows: Sequence[BerthRow], span: tuple[datetime, datetime]) -> str:
    """Which days could be seen at all; a month of cloud is a month of which nothing is known."""
    days = site_days(rows, span)
    hidden = [
        f"{date(*month, 1):%B %Y}"
        for month in sorted({(day.year, day.month) for day in days})
        if not any(s == "seen" for d, s in days.items() if (d.year, d.month) == month)
    ]
    html = (
        _section("calendar", "What could be seen, day by day", calendar(days, visits.visits)) + _CALENDAR_KEY
    )
    if hidden:
        html += (
            f"<p><b>Nothing is known of {text(' and '.join(hidden), limit=400)}</b>: no look showed a berth. "
            "What was loaded then is in the unseen alone.</p>"
        )
    return html + "</section>"


_TIMELINE_KEY = (
    '<ul class="legend"><li><span class="key stay"></span>alongside for certain (measured)</li>'
    '<li><span class="key imputed"></span>the same, cargo imputed</li>'
    '<li><span class="key window"></span>may have been alongside</li>'
    '<li><span class="dot"></span>look: occupied</li>'
    '<li><span class="dot empty"></span>look: clear and empty</li>'
    '<li>× look: obscured</li><li><span class="key seen"></span>day seen</li>'
    '<li><span class="key hidden"></span>day hidden by cloud</li><li>white: no look that day</li></ul>'
)


_CALENDAR_KEY = (
    '<ul class="legend"><li><span class="key seen"></span>a clear look at a berth</li>'
    '<li><span class="key hidden"></span>looked, hidden by cloud</li>'
    '<li><span class="key none"></span>no look</li>'
    '<li><span class="key stay"></span>a ship alongside for certain</li></ul>'
)
_LOAD_KEY = (
    '<ul class="legend"><li><span class="key window"></span>measured, 90 % interval</li>'
    '<li><span class="key imputed-soft"></span>imputed, 90 % interval</li>'
    "<li>the bar across: the median</li></ul>"
)


def _cap_words(cap: CapYear, *, looked: bool) -> str:
    if not cap.probability_crossed_by:
        return ""
    last = cap.probability_crossed_by[-1]
    said = (
        f"That the limit of {words.grouped(cap.limit)} barrels for {cap.year} had been passed by "
        f"{last.date}{', the unseen included' if looked else ''}: {words.likelihood(last.probability)}."
    )
    if cap.baseline_crossed_on is not None:
        counted = (
            "What was seen alone" if looked else "What is listed, each call on the last day it may have been,"
        )
        said += f" {counted} passes it on {cap.baseline_crossed_on}."
    return f"<p>{text(said)}</p>"
