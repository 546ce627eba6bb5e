"""What people signed, in the order in which they signed it: append-only, in the same database as the results.

A word belongs to a place in an image, not to a number: detections are counted from north-west, and a rerun
with other settings may count one more. `place` finds the ship again.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from pipeline.datatypes import LonLat

WordKind = Literal["identity", "reading"]

SCHEMA = """
CREATE TABLE signed (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('identity', 'reading')),
    scene_id TEXT NOT NULL,        -- as it was called then
    images TEXT NOT NULL,          -- sha256 over the hashes of its images
    detection_id TEXT NOT NULL,    -- as it was counted then
    lon REAL NOT NULL,
    lat REAL NOT NULL,
    withdrawn INTEGER NOT NULL CHECK (withdrawn IN (0, 1)),
    imo INTEGER,                   -- NULL: none of the register's ships
    freeboard REAL,                -- [m]
    sigma REAL,                    -- [m]
    signed_by TEXT NOT NULL CHECK (signed_by <> ''),
    signed_at TEXT NOT NULL,       -- RFC 3339
    note TEXT NOT NULL
) STRICT;
CREATE TRIGGER signed_is_kept BEFORE DELETE ON signed
    BEGIN SELECT RAISE(ABORT, 'what was signed is never removed; sign anew, or withdraw'); END;
CREATE TRIGGER signed_is_final BEFORE UPDATE ON signed
    BEGIN SELECT RAISE(ABORT, 'what was signed is never changed; sign anew, or withdraw'); END;
"""
_COLUMNS = "kind, scene_id, images, detection_id, lon, lat, withdrawn, imo, freeboard, sigma, signed_by"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRow:
    """One word on one sighting; with `withdrawn`, that none of its kind holds any more."""

    kind: WordKind
    scene_id: str
    images: str
    detection_id: str
    place: LonLat
    by: str
    at: str
    """RFC 3339"""
    withdrawn: bool = False
    imo: int | None = None
    freeboard: float | None = None
    """[m]"""
    sigma: float | None = None
    """[m]"""
    note: str = ""
    number: int | None = None
    """In the order of signing, from 1; None until it is kept."""


def insert_signed(db: sqlite3.Connection, row: SignedRow) -> int:
    """Append a word; its number."""
    lon, lat = row.place
    values = (row.kind, row.scene_id, row.images, row.detection_id, lon, lat, int(row.withdrawn))
    cursor = db.execute(
        f"INSERT INTO signed ({_COLUMNS}, signed_at, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, row.imo, row.freeboard, row.sigma, row.by, row.at, row.note),
    )
    return int(cursor.lastrowid or 0)


def select_signed(db: sqlite3.Connection) -> tuple[SignedRow, ...]:
    """Every word, in the order of signing."""
    found = db.execute(f"SELECT number, {_COLUMNS}, signed_at, note FROM signed ORDER BY number").fetchall()
    names = ("number", "kind", "scene_id", "images", "detection_id")
    return tuple(
        SignedRow(
            **dict(zip(names, row[:5], strict=True)),
            place=(row[5], row[6]),
            withdrawn=bool(row[7]),
            **dict(zip(("imo", "freeboard", "sigma", "by", "at", "note"), row[8:], strict=True)),
        )
        for row in found
    )
