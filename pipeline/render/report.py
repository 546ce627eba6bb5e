"""The season on one self-contained page: no script, nothing fetched, every name escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files

from pipeline.datatypes import Site
from pipeline.products import CapYear, SceneResult, VisitsDocument, VolumeDocument
from pipeline.render import words
from pipeline.render.report_tables import coverage_table, method, provenance, scene_table, table
from pipeline.render.report_visits import quantity, text, visit_card
from pipeline.render.season import berth_rows, cumulative, season_span, year_of
from pipeline.render.svg import cap_chart, timeline

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
    name = site.name if site is not None else next((r.site for r in scenes if r.site), "unnamed site")
    simulated = volume.simulated or visits.simulated or any(r.simulated for r in scenes)
    barrels = {item.visit_id: item for item in volume.by_visit}
    cards = [visit_card(v, barrels.get(v.visit_id), by_id, shown) for v in visits.visits]
    body = [
        _header(name, volume, simulated=simulated),
        "<main>",
        _headline(visits, volume, scenes),
        _charts(visits, volume, scenes, site),
        '<section><h2 id="visits">Visits</h2>',
        "".join(cards) or "<p>No tanker was seen at a berth in these scenes.</p>",
        "</section>",
        scene_table(scenes),
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


def _headline(visits: VisitsDocument, volume: VolumeDocument, scenes: Sequence[SceneResult]) -> str:
    """The number, its interval, and what it rests on."""
    barrels = volume.barrels
    measured = sum(v.status == "measured" for v in visits.visits)
    looks = len(visits.coverage.usable_times)
    passes = sum(month.passes for month in visits.coverage.by_month) or len(scenes)
    limit = volume.cap[0].limit if len(volume.cap) == 1 else None
    share = f" That is {words.percent(barrels.baseline.p50 / limit)} of the yearly limit." if limit else ""
    big = (
        '<div class="big"><div>Seen to be loaded (measured and imputed)</div>'
        f'<div class="number">{words.two_figures(barrels.baseline.p50)} barrels</div>'
        f'<div class="range">90 %: {words.two_figures(barrels.baseline.p05)} to '
        f"{words.two_figures(barrels.baseline.p95)}</div>"
        f"<p>{text(volume.product.name)} assumed, {volume.product.density15:.0f} ± "
        f"{volume.product.density15_sigma:.0f} kg/m³ at 15 °C.{share} With the visits that clouds and "
        f"gaps may have hidden: {text(quantity(barrels.total))} barrels.</p></div>"
    )
    unseen = volume.visits.unseen
    tiles = [
        (
            f"{len(visits.visits)}",
            f"visits seen: {measured} measured, {len(visits.visits) - measured} imputed",
        ),
        (f"{looks} of {passes}", "passes gave a clear look at a berth"),
        (f"{unseen.p50:.2g}", f"visits may have been missed (90 %: {unseen.p05:.2g}–{unseen.p95:.2g})"),
        (
            f"{volume.un_designated.visits:.1f}",
            f"visits by ships on the UN list, in expectation over the ranked identities "
            f"({words.percent(volume.un_designated.share)} of those seen)",
        ),
    ]
    grid = "".join(f'<div class="tile"><b>{text(n)}</b><span>{text(said)}</span></div>' for n, said in tiles)
    rows = [
        ("measured", quantity(barrels.measured), "from a freeboard after loading"),
        (
            "imputed",
            quantity(barrels.imputed),
            "ship seen, cargo not measured: filled in from her size and habits",
        ),
        ("unseen", quantity(barrels.unseen), "visits that fell between the clear looks, from the stay times"),
    ]
    rows_of_parts = [
        [text(n), f"<b>{text(q)}</b>", f'<span class="muted">{text(why)}</span>'] for n, q, why in rows
    ]
    return (
        f'<div class="headline">{big}<div class="tiles">{grid}</div></div><h2>What the number rests on</h2>'
        + table(("part", "barrels", "how"), rows_of_parts)
    )


def _charts(
    visits: VisitsDocument, volume: VolumeDocument, scenes: Sequence[SceneResult], site: Site | None
) -> str:
    span = season_span(visits, volume, scenes)
    if span is None:
        return ""
    rows = berth_rows(visits, scenes, site, span)
    shown = [row for row in rows if row.visits or row.looks]
    silent = len(rows) - len(shown)
    html = '<section><h2 id="timeline">Visits and looks</h2>'
    if shown:
        html += f'<div class="chart" {_FOCUS}>{timeline(shown, span)}</div>' + _TIMELINE_KEY
    if silent:
        html += f'<p class="muted">{silent} more berths of the site were not imaged.</p>'
    html += '</section><section><h2 id="cap">Barrels against the yearly limit</h2>'
    for cap in volume.cap:
        steps = cumulative(visits, volume, cap.year)
        total = volume.barrels.total if len(volume.cap) == 1 else None
        title = f"<h3>{cap.year}</h3>" if len(volume.cap) > 1 else ""
        chart = cap_chart(steps, cap, year_of(span, cap.year), total)
        html += f'{title}<div class="chart" {_FOCUS}>{chart}</div>{_cap_words(cap)}'
    if volume.cap:
        html += (
            '<p class="muted">Steps stand at the middle of each departure window. The band is the central '
            "90 %; errors that visits share (deck edge, load line, product) do not average out in it. The "
            "limit is that of UN Security Council resolution 2397 (2017), all suppliers together; one "
            "terminal is part of it.</p>"
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


def _cap_words(cap: CapYear) -> str:
    if not cap.probability_crossed_by:
        return ""
    last = cap.probability_crossed_by[-1]
    said = (
        f"That the limit of {words.grouped(cap.limit)} barrels for {cap.year} had been passed by "
        f"{last.date}, the unseen included: {words.likelihood(last.probability)}."
    )
    if cap.baseline_crossed_on is not None:
        said += f" What was seen alone passes it on {cap.baseline_crossed_on}."
    return f"<p>{text(said)}</p>"
