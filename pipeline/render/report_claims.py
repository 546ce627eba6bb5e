"""What others said, beside this ledger; where visits may have gone on."""

from __future__ import annotations

from pipeline.products import Claim, VisitsDocument, VolumeDocument
from pipeline.render import words
from pipeline.render.report_tables import table
from pipeline.render.report_visits import quantity, text, window_words


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
            f'<span class="num">{text(_figure(claim))}</span>',
            f'<span class="num">{text(_ours(claim))}</span>',
            text(claim.source) + (f'<br><span class="muted">{text(claim.note)}</span>' if claim.note else ""),
        ]
        for claim in volume.claims
    ]
    return html + table(("days", "quantity", "said", "this ledger", "source"), rows) + "</section>"


def voyages_section(visits: VisitsDocument) -> str:
    """Where a visit may have gone on, by probability; empty without calls elsewhere."""
    if not visits.elsewhere:
        return ""
    rows = [
        [
            f'<a href="#{text(voyage.visit_id)}">{text(voyage.visit_id)}</a>',
            text(f"{call.site}, {call.visit_id}"),
            text(window_words(call.arrival_window)),
            text(words.likelihood(call.probability)),
            text(
                "not measured"
                if call.fraction_on_arrival is None
                else f"{100 * call.fraction_on_arrival:.0f} %"
            ),
        ]
        for voyage in visits.voyages
        for call in voyage.calls
    ]
    lead = (
        f"<p>{len(visits.elsewhere)} calls were seen at other sites; their cargo is in no sum here. One hull "
        "by size, register and signed names, within a voyage's time:</p>"
    )
    head = ("visit", "may go on at", "arrived there", "probability", "fill on arrival")
    return f'<section><h2 id="voyages">Beyond the terminal</h2>{lead}{table(head, rows)}</section>'


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
