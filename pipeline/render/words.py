"""How numbers and judgements are put into words: two significant figures, intervals, no bare names."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pipeline.datatypes import Identity, Interval
from pipeline.errors import Refused
from pipeline.readings import Estimate, Freeboard, Load

THIN: Final = "\u202f"
"""Narrow no-break space: groups digits and separates a value from its unit in HTML."""

EVIDENCE: Final = {
    "pair": "measured on arrival and on departure",
    "single-laden": "measured laden, arrival not measured",
    "single-arrival": "measured on arrival only",
    "part-loaded": "measured while loading",
    "seen-only": "seen, not measured",
    "reported": "reported by others, no image here",
}
OUTCOME: Final = {
    "occupied": "occupied",
    "clear-empty": "clear and empty",
    "obscured": "obscured",
    "not-imaged": "not imaged",
}
CHECK: Final = {
    "agrees": "image agrees",
    "contradicts": "image CONTRADICTS",
    "undecided": "image does not decide",
}
# Upper bounds of ICD 203 (2015), section D.6.e.2.a; never without the percentage beside it.
_LIKELIHOOD: Final = (
    (0.05, "almost no chance"),
    (0.20, "very unlikely"),
    (0.45, "unlikely"),
    (0.55, "roughly even"),
    (0.80, "likely"),
    (0.95, "very likely"),
    (math.inf, "almost certain"),
)


def clean(text: str, *, limit: int = 200) -> str:
    """`text` on one line without control or direction characters, at most `limit` characters."""
    kept = "".join(" " if unicodedata.category(c).startswith(("C", "Z")) else c for c in text)
    kept = " ".join(kept.split())
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def two_figures(value: float) -> str:
    """Two significant figures, digits grouped: 384210 -> "380 000", 2.314 -> "2.3", 0 -> "0"."""
    if not math.isfinite(value):
        return "unknown"
    if value == 0:
        return "0"
    digits = 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    if rounded != 0:  # 9.96 rounds up to the next decade
        digits = 1 - math.floor(math.log10(abs(rounded)))
    return grouped(rounded, max(digits, 0))


def grouped(value: float, decimals: int = 0) -> str:
    """`value` with digits in groups of three: 384210 -> "384 210"."""
    text = f"{value:,.{decimals}f}".replace(",", THIN)
    return text.replace("-", "\u2212")


def metres(value: float) -> str:
    """To the centimetre below ten metres, as an analyst writes a freeboard."""
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def percent(share: float) -> str:
    """A share as a whole percentage: never 0 or 100, for nothing here is certain."""
    if not math.isfinite(share):
        return "unknown"
    if 0.99 < share <= 1.0:
        return "> 99 %"
    if 0.0 <= share < 0.01:
        return "< 1 %"
    return f"{100 * share:.0f} %"


def likelihood(probability: float) -> str:
    """The word of ICD 203 with its percentage: "likely (72 %)"."""
    word = next(word for bound, word in _LIKELIHOOD if probability <= bound)
    return f"{word} ({percent(probability)})"


def interval_metres(bounds: Interval) -> str:
    """As "2.05–2.60"."""
    return f"{metres(bounds[0])}–{metres(bounds[1])}"


def interval_percent(bounds: Interval) -> str:
    """As "78–95": a load may come out above 100 where errors carry it there."""
    return f"{100 * bounds[0]:.0f}–{100 * bounds[1]:.0f}"


def freeboard_reading(freeboard: Freeboard) -> str:
    """As "2.31 m (90 %: 2.05–2.60)"."""
    return f"{metres(freeboard.value)} m (90 %: {interval_metres(freeboard.interval90)})"


def draught_reading(draught: Estimate) -> str:
    """As "6.94 m (90 %: 6.61–7.20)"."""
    return f"{metres(draught.value)} m (90 %: {interval_metres(draught.interval90)})"


def load_reading(load: Load) -> str:
    """As "87 % (90 %: 78–95)", of cargo capacity."""
    return f"{100 * load.fraction:.0f} % (90 %: {interval_percent(load.interval90)})"


def cargo_reading(load: Load) -> str:
    """As "4 200 ± 210 t"."""
    return f"{two_figures(load.cargo)} ± {two_figures(load.cargo_sigma)} t".replace(THIN, " ")


TERMS = {
    "block": "fullness of her hull",
    "condition": "cargo or water ballast",
    "consumables": "fuel and stores",
    "deck-edge": "what her deck edge is",
    "density": "density of the oil",
    "draught": "draught as read",
    "identity": "which ship she is",
    "image": "freeboard as read",
    "load-line": "depth and load line",
    "residual-ballast": "water left on board",
    "still-loading": "loading not over",
    "trim": "trim and bending",
    "usual-fill": "usual fill, not measured",
    "water-density": "density of the sea",
    "waterplane": "shape of her waterline",
}
"""Of a budget of errors, for readers."""


def term(name: str) -> str:
    """As "cargo or water ballast" for "condition"; a name that needs no words as it is."""
    return TERMS.get(name, name.replace("-", " "))


def candidate(identity: Identity) -> str:
    """Name and number of one candidate, or "none of these"; never without its percentage elsewhere."""
    if identity.name is None and identity.imo is None:
        return "none of these"
    name = clean(identity.name or "unnamed", limit=40)
    return f"{name}, IMO {identity.imo}" if identity.imo is not None else name


def ranked(identities: Sequence[Identity], *, most: int = 4) -> tuple[tuple[str, str], ...]:
    """(candidate, percentage) of the first `most`, likeliest first, and the rest as one line."""
    order = sorted(identities, key=lambda i: (-i.probability, i.imo is None, i.imo or 0, i.name or ""))
    lines = [(candidate(i), percent(i.probability)) for i in order[:most]]
    if len(order) > most:
        rest = sum(i.probability for i in order[most:])
        lines.append((f"{len(order) - most} others", percent(rest)))
    return tuple(lines)


def reason(refused: Refused | None, otherwise: str = "no reason was given") -> str:
    """The sentence of a refusal."""
    return clean(refused.message or refused.code, limit=400) if refused is not None else otherwise


def credit(platform: str | None, when: datetime | None) -> str:
    """The line that the imagery's licence asks for; empty where none is known."""
    if platform is None or not platform.lower().replace("_", "-").startswith("sentinel"):
        return ""
    return "Contains modified Copernicus Sentinel data" + (f" {when.year}" if when is not None else "")


def utc(when: datetime | None) -> str:
    """As "2026-10-03 02:14 UTC"."""
    return when.strftime("%Y-%m-%d %H:%M UTC") if when is not None else "date unknown"


def local_time(when: datetime | None, timezone: str) -> str:
    """As "12:14 Asia/Vladivostok"; empty without a date, or where the zone is UTC or unknown here."""
    from zoneinfo import ZoneInfo

    if when is None or timezone == "UTC":
        return ""
    try:
        zone = ZoneInfo(timezone)
    except (OSError, ValueError):  # no zone data on this system, or a name that is none
        return ""
    there = when.astimezone(zone)
    day = "" if there.date() == when.date() else there.strftime("%Y-%m-%d ")
    return f"{day}{there:%H:%M} {timezone}"


def compass(angle: float) -> str:
    """As "034°"."""
    return f"{round(angle) % 360:03d}°"


def short_hash(sha256: str) -> str:
    """The first twelve digits."""
    return sha256[:12]
