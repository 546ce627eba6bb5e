"""The annotated sheet: what was looked at, what was measured on it, and the way back to the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.datatypes import Chip, CloudMask, Site
from pipeline.products import SceneResult
from pipeline.render import words
from pipeline.render.canvas import Canvas, box, disc, fit, frame, line, wrap, write, write_lines
from pipeline.render.cards import WIDTH, Pictures, draw_card, kind_words, layout, size_words
from pipeline.render.crop import cut
from pipeline.render.furniture import draw_compass, draw_scale_bar, geometry_words
from pipeline.render.marks import (
    MOST_NAMED,
    BerthMark,
    ShipMark,
    draw_berths,
    draw_clouds,
    draw_ship,
    label_ships,
)
from pipeline.render.palette import (
    ALERT,
    AMBER,
    BERTH,
    INK,
    KIND,
    LINE,
    LINE_WORDS,
    LOW_SCORE,
    MUTED,
    NAVY,
    PANEL,
    PAPER,
    RULE,
    SIMULATED,
    SUN,
    VIEW,
    WHITE,
    Colour,
)
from pipeline.render.view import fit_grid

PAGE_WIDTH: Final = 2400
MARGIN: Final = 54
_SIDE: Final = 640
_IMAGE_ROOM: Final = (1400, PAGE_WIDTH - 2 * MARGIN - _SIDE - 36)
_MOST_CARDS: Final = 8
_HEADER: Final = 178
_FOOTER: Final = 118


def rank_ships(ships: Sequence[ShipMark]) -> list[ShipMark]:
    """Measured ships first, then tankers, then by score; stable for equals."""

    def order(ship: ShipMark) -> tuple[bool, bool, float]:
        detection = ship.detection
        return (detection.freeboard is None, detection.kind != "tanker", -detection.score)

    return sorted(ships, key=order)


def draw_header(canvas: Canvas, result: SceneResult, site: Site | None) -> None:
    """Write which scene this is, and whether it is real."""
    box(canvas, (0, 0), (PAGE_WIDTH, 10), NAVY)
    name = fit(words.clean(result.scene_id), 1500, 46, weight=700)
    write(canvas, name, (MARGIN, 78), size=46, weight=700, colour=NAVY)
    when = words.utc(result.datetime)
    zone = words.local_time(result.datetime, site.timezone) if site is not None else ""
    if result.datetime is not None and any(flag.code == "time-of-day-unknown" for flag in result.flags):
        when, zone = f"{result.datetime:%Y-%m-%d}, time of day unknown", ""
    parts = [
        when + (f" ({zone})" if zone else ""),
        words.clean(result.platform or "platform unknown", limit=60),
        f"{result.gsd:.2g} m pixels" if result.gsd is not None else "pixel size unknown",
    ]
    if site is not None:
        parts.insert(0, words.clean(site.name, limit=60))
    elif result.site:
        parts.insert(0, words.clean(result.site, limit=60))
    write(canvas, fit("   |   ".join(parts), 2290, 26), (MARGIN, 126), size=26, colour=INK)
    label, colour = ("SIMULATED SCENE", SIMULATED) if result.simulated else ("SATELLITE IMAGE", NAVY)
    width = 430
    box(canvas, (PAGE_WIDTH - MARGIN - width, 38), (width, 52), colour)
    middle = PAGE_WIDTH - MARGIN - width / 2
    write(canvas, label, (middle, 75), size=30, weight=700, colour=WHITE, anchor="centre")
    line(canvas, [(MARGIN, 152), (PAGE_WIDTH - MARGIN, 152)], RULE, width=2)


def draw_footer(canvas: Canvas, result: SceneResult) -> None:
    """Write by what and from what it was made, so that it can be made again."""
    top = canvas.shape[0] - _FOOTER
    line(canvas, [(MARGIN, top + 12), (PAGE_WIDTH - MARGIN, top + 12)], RULE, width=2)
    models = ", ".join(f"{name} {words.short_hash(h)}" for name, h in sorted(result.software.models.items()))
    first = (
        f"plimsoll {result.software.version}   settings {words.short_hash(result.software.config_sha256)}"
        + (f"   beliefs: {models}" if models else "")
    )
    files = [f"{item.path} sha256 {words.short_hash(item.sha256)}" for item in result.inputs[:4]]
    if len(result.inputs) > 4:
        files.append(f"and {len(result.inputs) - 4} more in result.json")
    second = "input: " + (";  ".join(files) if files else "not recorded")
    note = "Machine reading; intervals are central 90 %. Identity is a ranking, not a finding."
    licence = words.credit(result.platform, result.datetime)
    if licence and not result.simulated:
        note += f" {licence}."
    room = PAGE_WIDTH - 2 * MARGIN
    for text, y in ((first, 44), (second, 72), (note, 100)):
        write(canvas, fit(text, room, 19), (MARGIN, top + y), size=19, colour=MUTED)


def _heading(canvas: Canvas, text: str, at: tuple[float, float]) -> float:
    write(canvas, text, at, size=24, weight=700, colour=NAVY)
    return at[1] + 34


def draw_facts(
    canvas: Canvas, result: SceneResult, at: tuple[float, float], *, bands: str, berths: Sequence[BerthMark]
) -> float:
    """Write the column beside the image: view, sky, berths, flags, legend; y where it ends."""
    x, y = at
    room = _SIDE
    y = _heading(canvas, "Scene", (x, y + 24))
    sun, view = geometry_words(result.geometry)
    facts = [sun, view]
    if result.geometry is not None:
        facts.append(f"geometry from {result.geometry.source}")
    cloud = result.cloud
    if cloud is not None:
        facts.append(
            f"cloud {words.percent(cloud.cloud_fraction)}, its shadow "
            f"{words.percent(cloud.shadow_fraction)}, no data {words.percent(cloud.nodata_fraction)} "
            f"({cloud.method})"
        )
    facts.append(f"shown in {bands}, 2 to 98 % over water and hulls")
    for fact in facts:
        y = write_lines(canvas, wrap(fact, room, 21, most=3), (x, y), size=21) + 3
    y = _write_counts(canvas, result, (x, y + 22))
    if berths:
        y = _heading(canvas, "Berths", (x, y + 22))
        for berth in berths[:12]:
            state = f"{words.OUTCOME.get(berth.state, berth.state)}, {100 * berth.clear_fraction:.0f} % clear"
            tail = "" if berth.verified or "candidate" in berth.name.lower() else ", candidate"
            text = f"{words.clean(berth.name, limit=40)}: {state}{tail}"
            y = write_lines(canvas, wrap(text, room, 20, most=2), (x, y), size=20)
        if len(berths) > 12:
            y = write_lines(canvas, [f"and {len(berths) - 12} more"], (x, y), size=20, colour=MUTED)
    if result.flags:
        y = _heading(canvas, "Caveats", (x, y + 22))
        for flag in result.flags[:6]:
            text = f"{flag.code}: {flag.message}"
            y = write_lines(canvas, wrap(text, room, 19, most=3), (x, y), size=19, colour=AMBER)
    return draw_legend(canvas, result, (x, y + 22), berths=bool(berths))


def _write_counts(canvas: Canvas, result: SceneResult, at: tuple[float, float]) -> float:
    x, y = at
    ships = result.detections
    y = _heading(canvas, "Ships", (x, y))
    measured = sum(d.freeboard is not None for d in ships)
    tankers = sum(d.kind == "tanker" for d in ships)
    text = (
        "none found"
        if not ships
        else f"{len(ships)} found, {tankers} tanker{'s' * (tankers != 1)}, {measured} measured"
    )
    return write_lines(canvas, [text], (x, y), size=21)


def draw_legend(canvas: Canvas, result: SceneResult, at: tuple[float, float], *, berths: bool) -> float:
    """Draw what each colour that occurs on this sheet means; y where it ends."""
    x, y = at
    kinds = {
        "tanker": "tanker (outline at the water)",
        "other": "other ship",
        "unknown": "ship of unknown kind",
    }
    names = {item.name for d in result.detections if d.freeboard is not None for item in d.freeboard.lines}
    rows: list[tuple[Colour, str, bool]] = [
        (KIND[kind], said, False)
        for kind, said in kinds.items()
        if any(d.kind == kind for d in result.detections)
    ]
    if any(d.score < LOW_SCORE for d in result.detections):
        rows.append((KIND["unknown"], "dashed: weak detection", True))
    rows += [(LINE[name], said, False) for name, said in LINE_WORDS.items() if name in names]
    if berths:
        rows.append((BERTH["occupied"], "berth with a ship; dashed: without", False))
    arrows = ((SUN, "to the sun"), (VIEW, "to the satellite")) if result.geometry is not None else ()
    notes = ["hatched: cloud ( / ) and its shadow ( \\ )"] if result.cloud is not None else []
    if result.detections:
        notes.append("beside a ship: her id, and her freeboard if measured")
    if not (rows or arrows or notes):
        return y
    y = _heading(canvas, "Legend", (x, y))
    for colour, text, dashed in rows:
        box(canvas, (x, y - 17), (64, 24), (38, 56, 76))
        line(canvas, [(x + 6, y - 5), (x + 58, y - 5)], colour, width=4, dash=(10, 8) if dashed else None)
        write(canvas, text, (x + 78, y), size=20)
        y += 31
    for colour, text in arrows:
        box(canvas, (x, y - 17), (64, 24), (38, 56, 76))
        line(canvas, [(x + 8, y - 5), (x + 44, y - 5)], colour, width=3)
        if colour is SUN:
            disc(canvas, (x + 49, y - 5), 8, colour)
        else:
            box(canvas, (x + 42, y - 12), (15, 15), colour)
        write(canvas, text, (x + 78, y), size=20)
        y += 31
    for text in notes:
        write(canvas, text, (x, y), size=20)
        y += 29
    return y


def draw_list(canvas: Canvas, ships: Sequence[ShipMark], top: int, *, left_out: int) -> None:
    """List ships that got no card, in two columns, and say how many are left out."""
    more = f" ({left_out:,} more in result.json)" if left_out else ""
    _heading(canvas, f"Other ships in this scene{more}", (MARGIN, top + 26))
    half = (len(ships) + 1) // 2
    for i, ship in enumerate(ships):
        column, row = divmod(i, half)
        x, y = MARGIN + column * (WIDTH + 24), top + 66 + row * 30
        detection = ship.detection
        if detection.freeboard is not None:
            said = "freeboard " + words.freeboard_reading(detection.freeboard)
        else:
            said = detection.not_measurable.code if detection.not_measurable is not None else "not measured"
        box(canvas, (x, y - 16), (10, 20), KIND.get(detection.kind, MUTED))
        write(canvas, detection.id, (x + 20, y), size=19, weight=600)
        text = f"{kind_words(detection)}; {size_words(detection)}; {said}"
        write(canvas, fit(text, WIDTH - 90, 18), (x + 84, y), size=18)


def list_height(count: int) -> int:
    """Of the list of `count` ships [px]."""
    return 66 + 30 * ((count + 1) // 2) if count else 0


def draw_image(
    chip: Chip,
    picture: npt.NDArray[np.uint8],
    result: SceneResult,
    ships: Sequence[ShipMark],
    berths: Sequence[BerthMark],
    clouds: CloudMask | None,
) -> Canvas:
    """The scene as large as the sheet has room for, with everything marked on it."""
    view = fit_grid(chip.grid, _IMAGE_ROOM)
    canvas = cut(picture, chip.grid, view)
    draw_clouds(canvas, view, chip.grid, clouds, spacing=16)
    draw_berths(canvas, view, berths, unit=1.0)
    for ship in ships:
        draw_ship(canvas, view, ship, unit=1.0, lines=view.scale * 1.0 > 1.5)
    label_ships(canvas, view, ships, unit=1.0)
    rows, cols = view.shape
    if min(rows, cols) > 260:
        draw_scale_bar(canvas, view, (16, rows - 16), 0.24 * cols, unit=1.1)
        unit = 1.1 if result.geometry is not None else 0.75
        draw_compass(canvas, view, (cols - 102 * unit, 102 * unit), result.geometry, unit=unit)
    return canvas


def draw_sheet(
    chip: Chip,
    picture: npt.NDArray[np.uint8],
    result: SceneResult,
    site: Site | None,
    marks: tuple[Sequence[ShipMark], Sequence[BerthMark]],
    *,
    bands: str,
    clouds: CloudMask | None,
) -> Canvas:
    """(row, col, 3) uint8 RGB: header, image with its facts, a card a ship, footer."""
    ships, berths = marks
    order = rank_ships(ships)
    carded, listed = order[:_MOST_CARDS], order[_MOST_CARDS:MOST_NAMED]
    image = draw_image(chip, picture, result, ships, berths, clouds)
    side = np.full((2600, _SIDE + 20, 3), 255, np.uint8)
    side_end = int(draw_facts(side, result, (0, 0), bands=bands, berths=berths))
    cards_top = _HEADER + max(image.shape[0], side_end) + 30
    corners, bottom = layout(carded, cards_top, (MARGIN, MARGIN + WIDTH + 24))
    height = bottom + list_height(len(listed)) + _FOOTER + 8
    page = np.full((height, PAGE_WIDTH, 3), PAPER, np.uint8)
    draw_header(page, result, site)
    left = MARGIN + (_IMAGE_ROOM[1] - image.shape[1]) // 2
    box(page, (MARGIN, _HEADER), (_IMAGE_ROOM[1], image.shape[0]), PANEL)
    page[_HEADER : _HEADER + image.shape[0], left : left + image.shape[1]] = image
    frame(page, (left, _HEADER), (image.shape[1], image.shape[0]), RULE, width=1)
    x = MARGIN + _IMAGE_ROOM[1] + 36
    shown = side[:side_end, : PAGE_WIDTH - x]
    page[_HEADER : _HEADER + shown.shape[0], x : x + shown.shape[1]] = shown
    pictures = Pictures(picture, chip.grid, result.geometry)
    for ship, corner in zip(carded, corners, strict=True):
        draw_card(page, ship, corner, pictures)
    if listed:
        draw_list(page, listed, bottom, left_out=len(ships) - len(carded) - len(listed))
    draw_footer(page, result)
    return page


def draw_refusal(result: SceneResult, site: Site | None) -> Canvas:
    """The sheet of a scene that was not used: which, and why."""
    page = np.full((820, PAGE_WIDTH, 3), PAPER, np.uint8)
    draw_header(page, result, site)
    write(page, "This scene was refused", (MARGIN, 250), size=38, weight=700, colour=ALERT)
    code = result.reason.code if result.reason is not None else "refused"
    write(page, code, (MARGIN, 310), size=27, weight=600)
    lines = wrap(words.reason(result.reason), PAGE_WIDTH - 2 * MARGIN, 27, most=8)
    y = write_lines(page, lines, (MARGIN, 360), size=27)
    for flag in result.flags[:3]:
        text = fit(f"{flag.code}: {flag.message}", PAGE_WIDTH - 2 * MARGIN, 21)
        y = write_lines(page, [text], (MARGIN, y + 10), size=21, colour=AMBER)
    draw_footer(page, result)
    return page
