"""The card of a visit: what it rests on, in pictures, intervals and words."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape

import numpy as np

from pipeline.datatypes import Identity
from pipeline.products import (
    Alongside,
    Fill,
    Quantiles,
    SceneResult,
    Visit,
    VisitBarrels,
    VisitsDocument,
)
from pipeline.readings import Estimate
from pipeline.render import words
from pipeline.render.svg import interval_bar

_MOST_PICTURES = 4
_PNG = b"\x89PNG\r\n\x1a\n"
_LARGE = 40_000
"""PNG of more bytes are coded anew as JPEG."""
WOULD_CHANGE = {
    "pair": "A second image after loading, or a known product, would narrow it most.",
    "single-laden": "An image on arrival would show whether she came empty.",
    "single-arrival": "An image after loading would turn this from a guess into a measurement.",
    "part-loaded": "An image after loading ended: she was still loading when last measured.",
    "reported": "An image of the berth on that day would show who lay there, and how deep.",
    "seen-only": "An image at 0.8 m or finer, with sun or view abeam, would let her be measured.",
}


def text(value: str, *, limit: int = 300) -> str:
    """`value` safe to stand in HTML, on one line."""
    return escape(words.clean(value, limit=limit), quote=True)


def quantity(quantiles: Quantiles, unit: str = "") -> str:
    """As "380 000 bbl (90 %: 310 000–440 000)", two significant figures."""
    gap = words.THIN + unit if unit else ""
    return (
        f"{words.two_figures(quantiles.p50)}{gap} "
        f"(90 %: {words.two_figures(quantiles.p05)}–{words.two_figures(quantiles.p95)})"
    )


def tonnes(estimate: Estimate) -> str:
    """As "4 900 t (90 %: 4 500–5 300)"."""
    low, high = estimate.interval90
    return quantity(Quantiles(p05=low, p50=estimate.value, p95=high), "t")


def compact(data: bytes) -> bytes:
    """A large PNG as JPEG where that is smaller: a photograph of noise does not shrink otherwise."""
    import cv2

    if len(data) < _LARGE or not data.startswith(_PNG):
        return data
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return data
    done, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return bytes(coded) if done and len(coded) < len(data) else data


def picture_uri(data: bytes) -> str | None:
    """`data` as a data URI; None where it is not PNG, JPEG or WebP by its first bytes."""
    data = compact(data)
    kinds = ((_PNG, "png"), (b"\xff\xd8\xff", "jpeg"))
    kind = next((name for magic, name in kinds if data.startswith(magic)), None)
    if kind is None and data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = "webp"
    return None if kind is None else f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def figure(data: bytes | None, caption: str, description: str) -> str:
    """A picture with its caption; the caption alone where there is no picture."""
    uri = picture_uri(data) if data is not None else None
    shown = f'<img src="{uri}" alt="{text(description)}">' if uri is not None else ""
    return f"<figure>{shown}<figcaption>{caption}</figcaption></figure>"


def bars(rows: list[tuple[str, float, str]], *, kind: str = "") -> str:
    """Named horizontal bars, the longest as wide as there is room."""
    most = max((value for _, value, _ in rows), default=0.0) or 1.0
    cells = "".join(
        f'<span>{text(name)}</span><i style="width:{100 * max(value, 0.0) / most:.1f}%"></i>'
        f"<span>{text(said)}</span>"
        for name, value, said in rows
    )
    return f'<div class="bars {kind}">{cells}</div>'


def identity_bars(identities: tuple[Identity, ...]) -> str:
    """The ranked list: every candidate with its percentage, "none of these" among them."""
    if not identities:
        return '<p class="muted">not ranked</p>'
    order = sorted(identities, key=lambda i: (-i.probability, i.imo is None, i.imo or 0, i.name or ""))
    rows = [(words.candidate(i), i.probability, words.percent(i.probability)) for i in order[:5]]
    rest = sum(i.probability for i in order[5:])
    if len(order) > 5:
        rows.append((f"{len(order) - 5} others", rest, words.percent(rest)))
    return bars(rows, kind="who")


def window(bounds: tuple[datetime, datetime | None]) -> str:
    """As "2026-09-27 02:10 to 2026-09-28 02:14 UTC", in HTML."""
    earliest, latest = bounds
    if latest is None:
        return f"after {_moment(earliest)}; not yet seen to have left"
    if earliest == latest:
        return _moment(earliest)
    return f"between {_moment(earliest)} and {_moment(latest)}"


def window_words(bounds: tuple[datetime, datetime | None]) -> str:
    """As "2024-03-07" or "2024-03-07 to 2024-11-05"."""
    first = bounds[0].date()
    last = first if bounds[1] is None else bounds[1].date()
    return f"{first}" if first == last else f"{first} to {last}"


def _moment(when: datetime) -> str:
    return f"<time>{words.utc(when)}</time>"


def _fill(fill: Fill | None, status: str) -> str:
    if fill is None:
        return '<span class="muted">not measured</span>'
    low, high = fill.interval90
    said = f"{100 * fill.fraction:.0f} % of capacity (90 %: {words.interval_percent(fill.interval90)})"
    return f"{text(said)}{interval_bar(low, fill.fraction, high, most=max(1.0, high), kind=status)}"


def signed_lines(visit: Visit, document: VisitsDocument) -> list[str]:
    """What analysts signed on her sightings, a line a word."""
    mine = set(zip(visit.scene_ids, visit.detection_ids, strict=False))
    said = []
    for word in document.signed:
        if (word.scene_id, word.detection_id) in mine:
            who = "none of the register's ships" if word.imo is None else f"IMO {word.imo}"
            where = f"{word.scene_id}/{word.detection_id}"
            said.append(f"signed: {who}, by {word.by}, {words.utc(word.at)}, on {where}")
    for reading in document.readings:
        if (reading.scene_id, reading.detection_id) in mine:
            freeboard = f"{words.metres(reading.freeboard)} ± {words.metres(reading.sigma)} m"
            said.append(f"read: freeboard {freeboard}, by {reading.by}, {words.utc(reading.at)}")
    return said


def visit_card(
    visit: Visit,
    barrels: VisitBarrels | None,
    scenes: Mapping[str, SceneResult],
    pictures: Mapping[str, bytes],
    signed: Sequence[str] = (),
) -> str:
    """One visit as a card: its images at the left, what follows from them at the right; what was signed."""
    where = f"berth {visit.berth_id}" if visit.berth_id else "berth not known"
    head = (
        f'<header><h3 id="{text(visit.visit_id)}">{text(visit.visit_id)}</h3>'
        f'<span class="tag {visit.status}">{visit.status}</span>'
        f"<span>{text(where)}</span><span>{text(words.EVIDENCE[visit.evidence])}</span></header>"
    )
    left = _figures(visit, scenes, pictures) + _budget(barrels)
    right = _facts(visit, barrels, scenes)
    right += "".join(f'<p class="signed">{text(line)}</p>' for line in signed)
    lone = "" if left else " alone"
    columns = f"<div>{left}</div><div>{right}</div>" if left else f"<div>{right}</div>"
    return f'<article class="visit {visit.status}">{head}<div class="body{lone}">{columns}</div></article>'


def _figures(visit: Visit, scenes: Mapping[str, SceneResult], pictures: Mapping[str, bytes]) -> str:
    """Pictures of the visit's scenes: her own crops where given, else the scene's; first and last kept."""
    pairs = list(zip(visit.scene_ids, (*visit.detection_ids, *[""] * len(visit.scene_ids)), strict=False))
    left_out = 0
    if len(pairs) > _MOST_PICTURES:
        left_out = len(pairs) - _MOST_PICTURES
        pairs = [*pairs[: _MOST_PICTURES // 2], *pairs[-(_MOST_PICTURES // 2) :]]
    shown = []
    for scene_id, detection_id in pairs:
        data = pictures.get(f"{scene_id}/{detection_id}", pictures.get(scene_id))
        result = scenes.get(scene_id)
        caption = text(scene_id)
        if result is not None:
            caption = f"{words.utc(result.datetime)}, {caption}"
            caption += _reading(result, detection_id)
        shown.append(figure(data, caption, f"Satellite image of visit {visit.visit_id} in scene {scene_id}"))
    if left_out:
        shown.append(f'<p class="muted">{left_out} more scenes in the table below.</p>')
    return "".join(shown)


def _reading(result: SceneResult, detection_id: str) -> str:
    ship = next((d for d in result.detections if d.id == detection_id), None)
    if ship is None:
        return ""
    if ship.freeboard is not None:
        return f": freeboard {text(words.freeboard_reading(ship.freeboard))}"
    if ship.not_measurable is not None:
        return f": not measured, {text(ship.not_measurable.code)}"
    return ""


def _budget(barrels: VisitBarrels | None) -> str:
    """Where the error of the barrels comes from, as bars."""
    if barrels is None or not barrels.budget:
        return ""
    terms = [
        (words.term(term.term), term.sigma_barrels, f"± {words.two_figures(term.sigma_barrels)}")
        for term in barrels.budget[:7]
    ]
    return '<p class="sub">Where the error comes from (barrels, one standard deviation)</p>' + bars(terms)


def _rests_on(visit: Visit, scenes: Mapping[str, SceneResult]) -> str:
    """As "2 images, finest pixels 0.5 m; read from shadow, lit side"."""
    seen = [scenes[name] for name in visit.scene_ids if name in scenes]
    said = f"{len(visit.scene_ids)} image{'s' * (len(visit.scene_ids) != 1)}"
    sizes = [result.gsd for result in seen if result.gsd is not None]
    if sizes:
        said += f", finest pixels {min(sizes):.2g} m"
    wanted = set(zip(visit.scene_ids, visit.detection_ids, strict=False))
    cues = sorted(
        {
            cue.cue.replace("-", " ")
            for result in seen
            for ship in result.detections
            if (result.scene_id, ship.id) in wanted and ship.freeboard is not None
            for cue in ship.freeboard.cues
        }
    )
    return said + (f"; read from {', '.join(cues)}" if cues else "")


def _beside(other: Alongside) -> str:
    """As "none of these 60 %, 2026-09-27 02:10 UTC; left with 2,700 t, which is counted here"."""
    said = f"{words.candidate(other.identity[0])} {words.percent(other.identity[0].probability)}, "
    said += words.utc(other.first_beside)
    if other.last_beside != other.first_beside:
        said += f" to {words.utc(other.last_beside)}"
    if other.cargo is None:
        return f"{said}; what she took was not measured"
    held = "added to this visit's" if other.counted else "part of this visit's"
    return f"{said}; left with {tonnes(other.cargo)}, {held}"


def _facts(visit: Visit, barrels: VisitBarrels | None, scenes: Mapping[str, SceneResult]) -> str:
    rows = [
        ("Arrived", window(visit.arrival_window)),
        ("Left", window(visit.departure_window)),
        ("Rests on", text(_rests_on(visit, scenes))),
        ("Fill on arrival", _fill(visit.arrival, visit.status)),
        ("Fill on departure", _fill(visit.departure, visit.status)),
        ("Cargo loaded", f"<b>{text(tonnes(visit.cargo_loaded))}</b>"),
    ]
    if barrels is not None:
        rows.append(("Barrels", f"<b>{text(quantity(barrels.barrels))}</b>"))
    rows += [("Beside her", text(_beside(other))) for other in visit.alongside]
    body = "<dl>" + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows) + "</dl>"
    body += '<p class="sub">Who she may be, ranked (an analyst decides)</p>' + identity_bars(visit.identity)
    return body + f'<p class="muted">{WOULD_CHANGE[visit.evidence]}</p>'
