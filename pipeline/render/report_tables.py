"""The tables at the end of the report: scenes, coverage, method, provenance."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.datatypes import Flag, Site
from pipeline.products import SceneResult, VisitsDocument, VolumeDocument
from pipeline.render import words
from pipeline.render.report_visits import text

_PETROL = 745.0
_HEAVY_FUEL = 980.0
"""Densities at 15 degC typical of the lightest and heaviest product (EN 228: 720 to 775; RMG 380: up to
991) [kg/m3]."""


def _signed(share: float) -> str:
    """As "+13 %", with a minus that is one."""
    return f"{100 * share:+.0f} %".replace("-", "\u2212")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the cells of the rows are HTML already."""
    top = "".join(f'<th scope="col">{text(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    inner = f'<table class="list"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Table">{inner}</div>'


def _berths(result: SceneResult) -> str:
    told = [b for b in result.berths if b.state != "not-imaged"]
    said = ", ".join(
        f"{b.id} {words.OUTCOME[b.state]}" + ("" if b.verified else " (candidate)") for b in told[:6]
    )
    return said + (f" and {len(told) - 6} more" if len(told) > 6 else "") if told else "none imaged"


def _ships(result: SceneResult) -> str:
    """The ships of a scene in words, readings first."""
    if not result.detections:
        return "none"
    read = [d for d in result.detections if d.freeboard is not None]
    said = [
        f"{d.id} freeboard {words.freeboard_reading(d.freeboard)}"
        for d in read[:4]
        if d.freeboard is not None
    ]
    codes: dict[str, int] = {}
    for d in result.detections:
        if d.not_measurable is not None:
            codes[d.not_measurable.code] = codes.get(d.not_measurable.code, 0) + 1
    said += [f"{count} {code}" for code, count in sorted(codes.items())]
    return f"{len(result.detections)}: " + "; ".join(said)


def scene_table(scenes: Sequence[SceneResult]) -> str:
    """Every scene with its outcome and the reason for what it did not give."""
    used = [result for result in scenes if result.status == "ok"]
    shared = {f for f in used[0].flags if all(f in r.flags for r in used)} if len(used) > 1 else set()
    mixed = len({result.simulated for result in scenes}) > 1
    rows = [_scene_row(result, shared, mixed=mixed) for result in scenes]
    head = ("time (UTC)", "scene", "pixels", "cloud", "berths", "ships", "caveats or reason")
    lead = f"{len(scenes)} scenes, {len(scenes) - len(used) or 'none'} refused."
    for flag in sorted(shared, key=lambda f: (f.code, f.message)):
        lead += f' <span class="warn">All scenes: {text(flag.message)}.</span>'
    return f'<section><h2 id="scenes">Scenes</h2><p>{lead}</p>{table(head, rows)}</section>'


def _scene_row(result: SceneResult, shared: set[Flag], *, mixed: bool) -> list[str]:
    gsd = f"{result.gsd:.2g} m" if result.gsd is not None else "–"
    cloud = words.percent(result.cloud.cloud_fraction) if result.cloud is not None else "–"
    mark = ' <span class="tag">simulated</span>' if mixed and result.simulated else ""
    when = words.utc(result.datetime).removesuffix(" UTC")
    start = [when, text(result.scene_id) + mark, gsd, cloud]
    if result.status == "refused":
        code = result.reason.code if result.reason is not None else "refused"
        why = f'<span class="tag refused">refused</span> {text(code)}: {text(words.reason(result.reason))}'
        return [*start, "", "", why]
    caveats = "; ".join(f"{flag.code}: {flag.message}" for flag in result.flags if flag not in shared)
    return [*start, text(_berths(result)), text(_ships(result)), text(caveats, limit=600)]


def coverage_table(visits: VisitsDocument) -> str:
    """How much of each month was seen; a count of visits means nothing without it."""
    months = visits.coverage.by_month
    if not months:
        return ""
    rows = [[text(m.month), str(m.passes), str(m.usable), str(m.days_usable)] for m in months]
    return (
        '<section><h2 id="coverage">How much could be seen</h2>'
        + table(("month", "passes", "with a clear look", "days with a clear look"), rows)
        + "</section>"
    )


def method(volume: VolumeDocument, site: Site | None, scenes: Sequence[SceneResult]) -> str:
    """How the number comes about, and where it can be wrong."""
    candidates = sorted({b.id for r in scenes for b in r.berths if not b.verified})
    if site is not None:
        candidates = sorted({*candidates, *(f.id for f in site.of_role("berth") if not f.verified)})
    product = volume.product
    petrol, heavy = (product.density15 / density - 1.0 for density in (_PETROL, _HEAVY_FUEL))
    from_images = [
        "Freeboard is read from the cross-hull profile of the mid-body: shadow, hull side and deck edge, "
        "whose places follow from the sun, the view and the height of the deck. Where these do not allow "
        "it, nothing is measured and the reason is given.",
        "Draught follows from freeboard and depth; unknown particulars are estimated from the load line "
        "rules, with their spread. Deadweight on board is counted down from the summer load line, so that "
        "the ship's own weight cancels; consumables and residual ballast are taken off.",
        "A berth that clouds hid is not an empty berth. Unseen visits are estimated from stay times and "
        "clear looks and are kept apart from what was seen.",
        "Identity is a ranking by size, kind and register, with “none of these” in it. No name and no "
        "breach is asserted by this page.",
    ]
    from_sources = [
        "Calls, ships and fills are as their sources have them; nothing here was seen. A ship whose "
        "deadweight is not known is drawn from the sizes of her trade, one size for all her calls.",
        "What its source does not give is blank and widens the interval. No name and no breach is asserted "
        "by this page.",
    ]
    limits = [
        *(from_images if scenes else from_sources),
        f"Barrels are tonnes over density at 15 °C. The product is an assumption ({text(product.name)}): "
        f"the same tonnes of petrol would be {_signed(petrol)} in barrels, of heavy fuel oil "
        f"{_signed(heavy)}.",
    ]
    if candidates:
        names = ", ".join(text(name) for name in candidates[:12])
        more = f" and {len(candidates) - 12} more" if len(candidates) > 12 else ""
        limits.insert(
            0,
            f'<b class="warn">Berths not confirmed: {names}{more}.</b> They are candidates that nobody has '
            "verified; what was counted at them may not be oil traffic.",
        )
    points = "".join(f"<li>{point}</li>" for point in limits)
    return f'<section><h2 id="method">Method and limits</h2><ul>{points}</ul></section>'


def provenance(volume: VolumeDocument, scenes: Sequence[SceneResult]) -> str:
    """With what it was made, and from which bytes."""
    versions = sorted({r.software.version for r in scenes})
    settings = sorted({r.software.config_sha256 for r in scenes})
    models = sorted({(name, sha) for r in scenes for name, sha in r.software.models.items()})
    facts = [
        ("version", ", ".join(text(v) for v in versions) or "unknown"),
        ("settings (sha256)", " ".join(f"<code>{text(s)}</code>" for s in settings) or "unknown"),
        ("beliefs (sha256)", "<br>".join(f"{text(n)} <code>{text(s)}</code>" for n, s in models) or "none"),
        ("seed, draws", f"{volume.seed}, {volume.draws}"),
    ]
    if len(versions) > 1 or len(settings) > 1:
        facts.append(
            ("mixed", '<b class="warn">The scenes were not all made with the same version and settings.</b>')
        )
    rows = [
        [text(r.scene_id), text(item.path), f"<code>{text(item.sha256)}</code>", words.grouped(item.bytes)]
        for r in scenes
        for item in r.inputs
    ]
    files = table(("scene", "file", "sha256", "bytes"), rows)
    listing = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts)
    return (
        f'<section><h2 id="provenance">Provenance</h2><dl>{listing}</dl><details>'
        f"<summary>Input files ({len(rows)})</summary>{files}</details></section>"
    )
