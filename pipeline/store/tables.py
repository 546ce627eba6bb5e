"""visits.csv: a visit a row, place and time first, for Excel and maps alike."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from pipeline.datatypes import LonLat
from pipeline.products import Visit, VisitsDocument, VolumeDocument
from pipeline.store.documents import format_time, round_number

COLUMNS = (
    "lat",
    "lon",
    "arrival_earliest_utc",
    "arrival_latest_utc",
    "departure_earliest_utc",
    "departure_latest_utc",
    "visit_id",
    "site",
    "berth_id",
    "imo",
    "name",
    "identity_probability",
    "evidence",
    "status",
    "fraction_arrival",
    "fraction_departure",
    "fraction_departure_p05",
    "fraction_departure_p95",
    "cargo_t",
    "cargo_sigma_t",
    "barrels_p05",
    "barrels_p50",
    "barrels_p95",
    "scene_ids",
    "flags",
    "simulated",
)


def escape_cell(text: str) -> str:
    """`text` on one line that no spreadsheet runs: names of scenes and ships come from outside."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return "'" + line if line[:1] in {"=", "+", "-", "@", " "} else line


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    return escape_cell(str(value))


def format_visits(visits: VisitsDocument, volume: VolumeDocument | None, places: Mapping[str, LonLat]) -> str:
    """CSV text; `places` gives (lon, lat) by visit id."""
    barrels = {} if volume is None else {entry.visit_id: entry.barrels for entry in volume.by_visit}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for visit in visits.visits:
        row = visit_row(visit) | _place(places.get(visit.visit_id))
        row["simulated"] = "yes" if visits.simulated else "no"
        found = barrels.get(visit.visit_id)
        if found is not None:
            row |= {f"barrels_{q}": round_number(getattr(found, q)) for q in ("p05", "p50", "p95")}
        writer.writerow([_cell(row.get(column)) for column in COLUMNS])
    return text.getvalue()


def _place(place: LonLat | None) -> dict[str, object]:
    return {} if place is None else {"lon": round(place[0], 6), "lat": round(place[1], 6)}


def visit_row(visit: Visit) -> dict[str, object]:
    """One visit as flat columns, without place and barrels; the likeliest identity with its probability."""
    first = visit.identity[0] if visit.identity else None
    latest = visit.departure_window[1]
    departure = visit.departure
    return {
        "arrival_earliest_utc": format_time(visit.arrival_window[0]),
        "arrival_latest_utc": format_time(visit.arrival_window[1]),
        "departure_earliest_utc": format_time(visit.departure_window[0]),
        "departure_latest_utc": None if latest is None else format_time(latest),
        "visit_id": visit.visit_id,
        "site": visit.site,
        "berth_id": visit.berth_id,
        "imo": None if first is None else first.imo,
        "name": None if first is None else first.name,
        "identity_probability": None if first is None else round_number(first.probability),
        "evidence": visit.evidence,
        "status": visit.status,
        "fraction_arrival": None if visit.arrival is None else round_number(visit.arrival.fraction),
        "fraction_departure": None if departure is None else round_number(departure.fraction),
        "fraction_departure_p05": None if departure is None else round_number(departure.interval90[0]),
        "fraction_departure_p95": None if departure is None else round_number(departure.interval90[1]),
        "cargo_t": round_number(visit.cargo_loaded.value),
        "cargo_sigma_t": round_number(visit.cargo_loaded.sigma),
        "scene_ids": " ".join(visit.scene_ids),
        "flags": " ".join(visit.flags),
    }
