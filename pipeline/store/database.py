"""plimsoll.db: what has been done, to which bytes, with which outcome. The only authority over a folder.

One process writes at a time (an advisory lock that the kernel drops when its holder dies, however it dies).
Files come first, the database last: a file it does not know by hash is an orphan, and is written anew.
"""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import StoreError, UsageError
from pipeline.store.files import Artefact, prepare_folder
from pipeline.store.lock import FolderLock
from pipeline.store.signed import SCHEMA as _SIGNED
from pipeline.store.signed import SignedRow, insert_signed, select_signed

NAME = "plimsoll.db"
APPLICATION_ID = 0x506C696D  # "Plim"
SCHEMA_VERSION = 2
"""2 added what people signed."""

Status = Literal["ok", "refused", "failed", "crashed"]

_SCHEMA = """
CREATE TABLE scene (
    scene_id TEXT PRIMARY KEY,
    path TEXT NOT NULL,        -- of the delivery, as last given
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL,     -- sha256 over the hashes of its files; '' where none could be read
    images TEXT NOT NULL,      -- the same over its images alone
    key TEXT NOT NULL,         -- JSON: what the result depends on
    status TEXT NOT NULL CHECK (status IN ('ok', 'refused', 'failed', 'crashed')),
    code TEXT,
    message TEXT,
    acquired TEXT,             -- RFC 3339
    site TEXT,
    result BLOB                -- result.json, deflated
) STRICT;
CREATE INDEX scene_content ON scene (content);
CREATE TABLE artefact (
    path TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    scene_id TEXT REFERENCES scene (scene_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX artefact_scene ON artefact (scene_id);
CREATE TABLE survey (
    key TEXT PRIMARY KEY,      -- what the survey depends on
    content TEXT NOT NULL,
    acquired TEXT NOT NULL,
    cells TEXT NOT NULL,       -- JSON: the grid
    seen BLOB NOT NULL         -- uint8 (row, col), deflated
) STRICT;
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
"""

_SELECT_SCENE = (
    "SELECT scene_id, path, kind, name, content, images, key, status, code, message, acquired, site, result"
    " FROM scene"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRow:
    """What the store knows of one scene."""

    scene_id: str
    path: str
    kind: str
    name: str
    content: str
    images: str
    key: str
    status: Status
    code: str | None = None
    message: str | None = None
    acquired: str | None = None
    site: str | None = None
    result: bytes | None = None
    """result.json"""

    @property
    def is_measured(self) -> bool:
        """True where the result is one of a measured scene, even if a later attempt at it failed."""
        return bool(self.key) and self.result is not None and self.status != "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRow:
    """Where one scene saw water on the site's own grid."""

    key: str
    content: str
    acquired: str
    cells: str
    """The grid, JSON."""
    seen: bytes
    """uint8 (row, col), deflated"""


class Store:
    """An output folder. Use as a context manager; `Store.open` for reading, `Store.claim` for writing."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, lock: FolderLock | None) -> None:
        self.folder = folder
        self._db = connection
        self._lock = lock

    @classmethod
    def claim(cls, folder: Path) -> Store:
        """The store of `folder`, made where there is none, for this process alone to write.

        Raises
        ------
        StoreError
            Another process works in it, it is read-only, full, damaged or made by a newer plimsoll.
        """
        prepare_folder(folder)
        lock = FolderLock(folder)
        try:
            with explain_database(folder):
                connection = _connect(f"{(folder / NAME).resolve().as_uri()}?mode=rwc")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                _migrate(folder, connection)
        except BaseException:
            lock.release()
            raise
        return cls(folder, connection, lock)

    @classmethod
    def open(cls, folder: Path) -> Store:
        """The store of `folder`, to read; beside a batch that works in it too.

        Raises
        ------
        UsageError
            Nothing was run into this folder.
        StoreError
            It is damaged or made by a newer plimsoll.
        """
        path = folder / NAME
        if not path.is_file():
            raise UsageError(
                f"{folder}: no results there (no {NAME})", hint=f"plimsoll run INPUT... --out {folder}"
            )
        uri = path.resolve().as_uri()
        with explain_database(folder):
            try:
                connection = _connect(f"{uri}?mode=ro")
                connection.execute("SELECT count(*) FROM scene")
            except sqlite3.OperationalError:  # a read-only folder cannot hold the WAL's index
                connection = _connect(f"{uri}?mode=ro&immutable=1")
            _check_version(folder, connection)
            connection.execute("SELECT count(*) FROM scene")
        return cls(folder, connection, None)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database and let the folder go."""
        self._db.close()
        if self._lock is not None:
            self._lock.release()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with explain_database(self.folder):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    # ------------------------------------------------------------------------------------------ scenes

    def scenes(self) -> tuple[SceneRow, ...]:
        """Every scene, by scene_id."""
        with explain_database(self.folder):
            rows = self._db.execute(f"{_SELECT_SCENE} ORDER BY scene_id").fetchall()
        return tuple(_scene_row(row) for row in rows)

    def scene(self, scene_id: str) -> SceneRow | None:
        """One scene; None where it is not known."""
        with explain_database(self.folder):
            row = self._db.execute(f"{_SELECT_SCENE} WHERE scene_id = ?", (scene_id,)).fetchone()
        return None if row is None else _scene_row(row)

    def scene_at(self, path: Path) -> SceneRow | None:
        """The scene whose delivery was last given as `path`; None where it is not known."""
        with explain_database(self.folder):
            row = self._db.execute(f"{_SELECT_SCENE} WHERE path = ?", (str(path),)).fetchone()
        return None if row is None else _scene_row(row)

    def artefacts(self, scene_id: str | None) -> tuple[Artefact, ...]:
        """The files of one scene, or those of the season (None), by path."""
        with explain_database(self.folder):
            rows = self._db.execute(
                "SELECT path, sha256, bytes FROM artefact WHERE scene_id IS ? ORDER BY path", (scene_id,)
            ).fetchall()
        return tuple(Artefact(path=path, sha256=sha256, bytes=size) for path, sha256, size in rows)

    def commit_scene(self, row: SceneRow, artefacts: Sequence[Artefact]) -> None:
        """Record a scene and its files in place of what was known of it."""
        result = None if row.result is None else zlib.compress(row.result, 6)
        values = (row.path, row.kind, row.name, row.content, row.images, row.key, row.status)
        with self._transaction() as db:
            db.execute("DELETE FROM scene WHERE scene_id = ?", (row.scene_id,))
            db.execute(
                "INSERT INTO scene VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (row.scene_id, *values, row.code, row.message, row.acquired, row.site, result),
            )
            _insert_artefacts(db, artefacts, row.scene_id)

    def commit_outcome(self, scene_id: str, *, status: Status, code: str, message: str) -> None:
        """Record that a scene was tried again in vain, beside the result it has."""
        with self._transaction() as db:
            db.execute(
                "UPDATE scene SET status = ?, code = ?, message = ? WHERE scene_id = ?",
                (status, code, message, scene_id),
            )

    def commit_pictures(self, scene_id: str, artefacts: Sequence[Artefact]) -> None:
        """Record files of a scene in place of those of the same name."""
        with self._transaction() as db:
            _insert_artefacts(db, artefacts, scene_id)

    # ----------------------------------------------------------------------------------------- surveys

    def surveys(self) -> tuple[SurveyRow, ...]:
        """Every survey, by time and key."""
        with explain_database(self.folder):
            rows = self._db.execute(
                "SELECT key, content, acquired, cells, seen FROM survey ORDER BY acquired, key"
            ).fetchall()
        return tuple(
            SurveyRow(key=key, content=content, acquired=acquired, cells=cells, seen=seen)
            for key, content, acquired, cells, seen in rows
        )

    def commit_survey(self, row: SurveyRow) -> None:
        """Record a survey in place of older ones of the same scene bytes."""
        with self._transaction() as db:
            db.execute("DELETE FROM survey WHERE content = ?", (row.content,))
            db.execute(
                "INSERT INTO survey VALUES (?, ?, ?, ?, ?)",
                (row.key, row.content, row.acquired, row.cells, row.seen),
            )

    # ------------------------------------------------------------------------------------------ signed

    def signed(self) -> tuple[SignedRow, ...]:
        """All that people signed, in the order of signing; withdrawn words and withdrawals too."""
        with explain_database(self.folder):
            older = int(self._db.execute("PRAGMA user_version").fetchone()[0]) < SCHEMA_VERSION
            return () if older else select_signed(self._db)

    def append_signed(self, row: SignedRow) -> int:
        """Keep a word for good; its number."""
        with self._transaction() as db:
            return insert_signed(db, row)

    # ------------------------------------------------------------------------------------------ season

    def settings(self) -> dict[str, str]:
        """What the last run was told: site, fleet, config (JSON), and what the season was computed from."""
        with explain_database(self.folder):
            return dict(self._db.execute("SELECT name, value FROM setting ORDER BY name").fetchall())

    def commit_settings(self, settings: dict[str, str]) -> None:
        """Record settings in place of those of the same name."""
        with self._transaction() as db:
            db.executemany("INSERT OR REPLACE INTO setting VALUES (?, ?)", sorted(settings.items()))

    def commit_season(self, artefacts: Sequence[Artefact], settings: dict[str, str]) -> None:
        """Record the season's files, and what they were computed from, in one step."""
        with self._transaction() as db:
            db.executemany("INSERT OR REPLACE INTO setting VALUES (?, ?)", sorted(settings.items()))
            _insert_artefacts(db, artefacts, None)


def _scene_row(row: tuple[object, ...]) -> SceneRow:
    names = ("scene_id", "path", "kind", "name", "content", "images", "key", "status", "code", "message")
    values = dict(zip((*names, "acquired", "site"), row[:-1], strict=True))
    blob = row[-1]
    return SceneRow(**values, result=zlib.decompress(blob) if isinstance(blob, bytes) else None)  # type: ignore[arg-type]


def _insert_artefacts(db: sqlite3.Connection, artefacts: Sequence[Artefact], scene_id: str | None) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO artefact VALUES (?, ?, ?, ?)",
        [(a.path, a.sha256, a.bytes, scene_id) for a in artefacts],
    )


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=10.0, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _check_version(folder: Path, connection: sqlite3.Connection) -> int:
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{folder / NAME}: made by a newer plimsoll (its version {version}, ours {SCHEMA_VERSION})",
            hint="upgrade plimsoll, or choose another folder with --out",
        )
    if version and application != APPLICATION_ID:
        raise StoreError(
            f"{folder / NAME}: is not a store of plimsoll", hint="choose another folder with --out"
        )
    return version


def _migrate(folder: Path, connection: sqlite3.Connection) -> None:
    version = _check_version(folder, connection)
    if version:
        problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)
    if version < SCHEMA_VERSION:
        connection.executescript(
            f"BEGIN IMMEDIATE;{'' if version else _SCHEMA}{_SIGNED}"
            f"PRAGMA application_id = {APPLICATION_ID};PRAGMA user_version = {SCHEMA_VERSION};COMMIT;"
        )


@contextlib.contextmanager
def explain_database(folder: Path) -> Iterator[None]:
    """Turn a failure of SQLite into a StoreError with a sentence."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "full" in text:
            what, hint = "the disk is full", "free some space and run the same command again"
        elif "readonly" in text or "unable to open" in text:
            what, hint = "may not be written", "choose another folder with --out"
        elif "locked" in text or "busy" in text:
            what, hint = "another program holds the database", "close it and run the same command again"
        else:
            what = f"is damaged ({text})"
            hint = f"move {NAME} away and run the same command again: everything is computed anew"
        raise StoreError(f"{folder / NAME}: {what}", hint=hint) from error
