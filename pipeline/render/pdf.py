"""Type and figures of printed pages: fonts that ship with reportlab, colours of the pictures, no clock."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any, Final

from pipeline.render import words
from pipeline.render.palette import AMBER, INK, MUTED, NAVY, RULE, Colour

REGULAR, BOLD, ITALIC = "PlimsollSans", "PlimsollSans-Bold", "PlimsollSans-Italic"
MONO: Final = "Courier"
_FILES: Final = {REGULAR: "Vera.ttf", BOLD: "VeraBd.ttf", ITALIC: "VeraIt.ttf"}
_PLAIN: Final = {"\u2011": "-", "\u2212": "-"}
BLUE: Final[Colour] = (20, 92, 158)
BLUE_SOFT: Final[Colour] = (185, 213, 238)
AMBER_SOFT: Final[Colour] = (243, 220, 184)
GREEN: Final[Colour] = (29, 122, 69)


@lru_cache(maxsize=1)
def load_fonts() -> frozenset[int]:
    """Register Bitstream Vera, which reportlab carries, and say which characters it has."""
    import reportlab
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(reportlab.__file__).parent / "fonts"
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=ITALIC, boldItalic=BOLD)
    return frozenset(pdfmetrics.getFont(REGULAR).face.charToGlyph)


def printable(text: str, *, limit: int = 300) -> str:
    """`text` on one line in characters that the font has; what it lacks is named, never left out."""
    have = load_fonts()
    kept = []
    for char in words.clean(text, limit=limit):
        if ord(char) in have:
            kept.append(char)
            continue
        bare = "".join(c for c in unicodedata.normalize("NFKD", _PLAIN.get(char, char)) if ord(c) in have)
        kept.append(bare or f"[U+{ord(char):04X}]")
    return re.sub(r"(?<=\d) (?=\d{3}(?!\d)|%|t\b|m\b|bbl)", "\u00a0", "".join(kept))


def marked(text: str, *, limit: int = 300) -> str:
    """`text` safe to stand in a paragraph's markup."""
    return escape(printable(text, limit=limit), quote=True)


def colour(rgb: Colour) -> Any:
    """As reportlab has it."""
    from reportlab.lib.colors import Color

    return Color(*(channel / 255 for channel in rgb))


def style(size: float, *, bold: bool = False, tint: Colour = INK, align: int = 0, lead: float = 1.3) -> Any:
    """A paragraph style; `align` is 0 left, 1 centre, 2 right."""
    from reportlab.lib.styles import ParagraphStyle

    return ParagraphStyle(
        name=f"{size}{bold}{tint}{align}",
        fontName=BOLD if bold else REGULAR,
        fontSize=size,
        leading=lead * size,
        textColor=colour(tint),
        alignment=align,
        splitLongWords=1,
    )


def paragraph(markup: str, size: float = 8.0, **how: Any) -> Any:
    """A paragraph of markup whose texts from outside went through `marked`."""
    from reportlab.platypus import Paragraph

    return Paragraph(markup, style(size, **how))


def heading(text: str) -> Any:
    """The title of a part of the page."""
    from reportlab.platypus import Paragraph

    return Paragraph(marked(text), style(9.5, bold=True, tint=NAVY))


def table(
    rows: Sequence[Sequence[Any]], widths: Sequence[float], *, lines: bool = True, pad: float = 2.0
) -> Any:
    """A table of flowables; thin rules between its rows."""
    from reportlab.platypus import Table

    made = Table([list(row) for row in rows], colWidths=list(widths))
    commands: list[Any] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 6),
        ("TOPPADDING", (0, 0), (-1, -1), pad),
        ("BOTTOMPADDING", (0, 0), (-1, -1), pad),
    ]
    if lines:
        commands.append(("LINEBELOW", (0, 0), (-1, -1), 0.4, colour(RULE)))
    made.setStyle(commands)
    return made


def bars(rows: Sequence[tuple[str, float, str]], width: float, *, tint: Colour = BLUE_SOFT) -> Any:
    """Named bars with a word behind each; the longest as wide as there is room."""
    from reportlab.graphics.shapes import Drawing, Rect, String

    step, left, right = 11.5, 0.42 * width, 0.22 * width
    drawing = Drawing(width, step * len(rows))
    most = max((value for _, value, _ in rows), default=0.0) or 1.0
    for number, (name, value, said) in enumerate(rows):
        y = step * (len(rows) - number - 1) + 2.5
        shown = _fit(printable(name), left - 4, 7.2)
        drawing.add(String(0, y + 1, shown, fontName=REGULAR, fontSize=7.2, fillColor=colour(INK)))
        room = (width - left - right) * max(value, 0.0) / most
        drawing.add(Rect(left, y, max(room, 0.4), 7.5, fillColor=colour(tint), strokeColor=None))
        place = width
        text = String(place, y + 1, printable(said), fontName=REGULAR, fontSize=7.2, textAnchor="end")
        text.fillColor = colour(INK)
        drawing.add(text)
    return drawing


def _fit(text: str, width: float, size: float) -> str:
    """`text` cut to a width, with an ellipsis where it was."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    if stringWidth(text, REGULAR, size) <= width:
        return text
    while text and stringWidth(text + "…", REGULAR, size) > width:
        text = text[:-1]
    return text + "…"


def gauge(low: float, middle: float, high: float, width: float, *, measured: bool) -> Any:
    """A share with its interval on a track from nothing to full."""
    from reportlab.graphics.shapes import Drawing, Line, Rect

    most = max(1.0, high)

    def x(value: float) -> float:
        return width * min(max(value / most, 0.0), 1.0)

    soft, strong = (BLUE_SOFT, BLUE) if measured else (AMBER_SOFT, AMBER)
    drawing = Drawing(width, 10)
    drawing.add(Rect(0, 3, width, 4, fillColor=colour((227, 232, 237)), strokeColor=None))
    drawing.add(Rect(x(low), 1.5, max(x(high) - x(low), 1.0), 7, fillColor=colour(soft), strokeColor=None))
    drawing.add(Line(x(middle), 0, x(middle), 10, strokeColor=colour(strong), strokeWidth=1.8))
    return drawing


def note(text: str, size: float = 7.0) -> Any:
    """A muted remark of our own words."""
    return paragraph(marked(text, limit=600), size, tint=MUTED)
