"""What others said, beside this ledger, and what of it does not hold together."""

from __future__ import annotations

from pipeline.products import Claim, VolumeDocument
from pipeline.render import words
from pipeline.render.report_tables import table
from pipeline.render.report_visits import quantity, text


def claims_section(volume: VolumeDocument) -> str:
    """Contradictions first, then every claim with its days and source; empty without claims."""
    if not volume.claims:
        return ""
    html = '<section><h2 id="claims">What others said</h2>'
    if volume.contradictions:
        html += '<p class="sub">What does not hold together</p><ul class="contradictions">'
        html += "".join(f"<li>{text(found.message, limit=2000)}</li>" for found in volume.contradictions)
        html += "</ul>"
    rows = [
        [
            text(f"{claim.start} to {claim.end}"),
            text(claim.quantity),
            text(_figure(claim)),
            text(_ours(claim)),
            text(claim.source) + (f'<br><span class="muted">{text(claim.note)}</span>' if claim.note else ""),
        ]
        for claim in volume.claims
    ]
    return html + table(("days", "quantity", "said", "this ledger", "source"), rows) + "</section>"


def _number(value: float) -> str:
    return f"{value:g}" if value < 100 else words.grouped(value)


def _figure(claim: Claim) -> str:
    """As "at least 165 000", or "nothing" where somebody was silent."""
    if claim.low is None:
        return "nothing reported" if claim.high is None else f"at most {_number(claim.high)}"
    if claim.high is None:
        return f"at least {_number(claim.low)}"
    low, high = _number(claim.low), _number(claim.high)
    return low if low == high else f"{low} to {high}"


def _ours(claim: Claim) -> str:
    if claim.ours is None:
        return "\u2013"
    return _number(claim.ours.p50) if claim.ours.p05 == claim.ours.p95 else quantity(claim.ours)
