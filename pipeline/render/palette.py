"""Colours and sizes of the pictures: one place, readable on dark water, on bright decks and in print."""

from __future__ import annotations

from typing import Final

Colour = tuple[int, int, int]
"""(red, green, blue), 0..255"""

INK: Final[Colour] = (24, 32, 44)
MUTED: Final[Colour] = (96, 108, 122)
RULE: Final[Colour] = (208, 214, 221)
PAPER: Final[Colour] = (255, 255, 255)
PANEL: Final[Colour] = (244, 246, 248)
NAVY: Final[Colour] = (13, 42, 74)
ALERT: Final[Colour] = (176, 42, 24)
AMBER: Final[Colour] = (166, 96, 0)
SIMULATED: Final[Colour] = (126, 48, 160)
HALO: Final[Colour] = (8, 14, 22)
WHITE: Final[Colour] = (255, 255, 255)

KIND: Final[dict[str, Colour]] = {
    "tanker": (255, 140, 26),
    "other": (94, 190, 255),
    "unknown": (226, 230, 235),
}
LINE: Final[dict[str, Colour]] = {
    "waterline": (0, 224, 255),
    "deck-edge": (255, 226, 61),
    "shadow-tip": (255, 84, 198),
    "boot-top": (130, 242, 110),
}
LINE_WORDS: Final[dict[str, str]] = {
    "waterline": "waterline",
    "deck-edge": "deck edge",
    "shadow-tip": "tip of the shadow",
    "boot-top": "edge of the boot-topping",
}
BERTH: Final[dict[str, Colour]] = {
    "occupied": (255, 255, 255),
    "clear-empty": (126, 231, 135),
    "obscured": (190, 190, 200),
    "not-imaged": (150, 150, 160),
}
PART: Final[dict[str, Colour]] = {
    "water": (214, 231, 245),
    "shadow": (150, 156, 170),
    "shaded-side": (206, 176, 226),
    "lit-side": (255, 226, 153),
    "boot-top": (244, 184, 172),
    "deck": (236, 222, 205),
}
PART_WORDS: Final[dict[str, str]] = {
    "water": "water",
    "shadow": "shadow",
    "shaded-side": "shaded side",
    "lit-side": "lit side",
    "boot-top": "boot-topping",
    "deck": "deck",
}
OBSERVED: Final[Colour] = (24, 32, 44)
FITTED: Final[Colour] = (214, 40, 57)
CURVE: Final[Colour] = (20, 92, 158)
INTERVAL: Final[Colour] = (176, 210, 240)
SUN: Final[Colour] = (255, 200, 40)
VIEW: Final[Colour] = (120, 220, 255)

LOW_SCORE: Final = 0.7
"""Outlines of detections below this score are dashed [1]."""
ERROR_BOUNDS: Final = (0.2, 0.3, 0.4, 0.6, 0.8)
"""Upper bounds of the classes of an expected error [m]."""
ERROR_CLASS: Final[tuple[Colour, ...]] = (
    (0, 32, 77),
    (49, 68, 107),
    (102, 105, 112),
    (149, 143, 120),
    (203, 186, 105),
    (253, 231, 130),
)
"""Steps of cividis (Nunez et al. 2018, doi:10.1371/journal.pone.0199239): one order of lightness in print and
for every kind of colour vision, the best darkest."""
