"""The top of the report: the number, its interval, and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.products import SceneResult, VisitsDocument, VolumeDocument
from pipeline.render import words
from pipeline.render.report_tables import table
from pipeline.render.report_visits import quantity, text

_FROM_IMAGES = (
    ("measured", "from a freeboard after loading"),
    ("imputed", "ship seen, cargo not measured: filled in from her size and habits"),
    ("unseen", "visits that fell between the clear looks, from the stay times"),
)
_FROM_SOURCES = (
    ("measured", "a departure that its source measured"),
    ("imputed", "from a ship's capacity, known or not, and a stated or usual fill"),
)
"""Parts of the barrels and where they come from; a ledger without images knows nothing of the unseen."""


def headline(visits: VisitsDocument, volume: VolumeDocument, scenes: Sequence[SceneResult]) -> str:
    """The number in large, tiles on what was seen, a table of its parts."""
    tiles = "".join(
        f'<div class="tile"><b>{text(number)}</b><span>{text(said)}</span></div>'
        for number, said in _tiles(visits, volume, scenes)
    )
    rows = [
        [
            text(name),
            f"<b>{text(quantity(getattr(volume.barrels, name)))}</b>",
            f'<span class="muted">{text(why)}</span>',
        ]
        for name, why in (_FROM_IMAGES if scenes else _FROM_SOURCES)
    ]
    return (
        f'<div class="headline">{_number(volume, looked=bool(scenes))}<div class="tiles">{tiles}</div></div>'
        "<h2>What the number rests on</h2>" + table(("part", "barrels", "how"), rows)
    )


def _number(volume: VolumeDocument, *, looked: bool) -> str:
    baseline, product = volume.barrels.baseline, volume.product
    limit = volume.cap[0].limit if len(volume.cap) == 1 else None
    share = f" That is {words.percent(baseline.p50 / limit)} of the yearly limit." if limit else ""
    total = text(quantity(volume.barrels.total))
    hidden = "No imagery: calls that nobody listed are in no figure here."
    if looked:
        hidden = f"With the visits that clouds and gaps may have hidden: {total} barrels."
    return (
        f'<div class="big"><div>{"Seen" if looked else "Said"} to be loaded (measured and imputed)</div>'
        f'<div class="number">{words.two_figures(baseline.p50)} barrels</div>'
        f'<div class="range">90 %: {words.two_figures(baseline.p05)} to '
        f"{words.two_figures(baseline.p95)}</div>"
        f"<p>{text(product.name)} assumed, {product.density15:.0f} ± {product.density15_sigma:.0f} kg/m³ "
        f"at 15 °C.{share} {hidden}</p></div>"
    )


def _tiles(
    visits: VisitsDocument, volume: VolumeDocument, scenes: Sequence[SceneResult]
) -> list[tuple[str, str]]:
    """(number, what it counts)."""
    count, listed = len(visits.visits), volume.un_designated
    measured = sum(v.status == "measured" for v in visits.visits)
    split = f"{measured} measured, {count - measured} imputed"
    if not scenes:
        named = "of them by ships on the UN list, as far as ships are named"
        return [(f"{count}", f"visits listed: {split}"), (f"{listed.visits:.1f}", named)]
    looks = len(visits.coverage.usable_times)
    passes = sum(month.passes for month in visits.coverage.by_month) or len(scenes)
    unseen = volume.visits.unseen
    return [
        (f"{count}", f"visits seen: {split}"),
        (f"{looks} of {passes}", "passes gave a clear look at a berth"),
        (f"{unseen.p50:.2g}", f"visits may have been missed (90 %: {unseen.p05:.2g}–{unseen.p95:.2g})"),
        (
            f"{listed.visits:.1f}",
            "visits by ships on the UN list, in expectation over the ranked identities "
            f"({words.percent(listed.share)} of those seen)",
        ),
    ]
