"""Files that are whole or not there: written beside, checked, synced, renamed; known by hash.

A GeoTIFF whose writer was killed opens and reads as zeros without an error, so nothing is written in place.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StoreError

WORK = ".work"
"""Folder below the output folder where children write; emptied at the start and the end of a batch."""
MIN_FREE = 64 * 2**20
"""A batch does not start, and takes no further scene, with less than this free [bytes]."""

_ENVIRONMENT = {
    errno.ENOSPC: ("is full", "free some space and run the same command again: what is done stays done"),
    errno.EDQUOT: ("is over its quota", "free some space and run the same command again"),
    errno.EROFS: ("is read-only", "choose another folder with --out"),
    errno.EACCES: ("may not be written", "change its permissions or choose another folder with --out"),
    errno.EPERM: ("may not be written", "change its permissions or choose another folder with --out"),
    errno.EIO: ("reports an input/output error", "check the disk"),
}
"""Failures of the output folder rather than of a scene."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One file of the output folder, as the store knows it."""

    path: str
    """Relative to the output folder, POSIX."""
    sha256: str
    bytes: int


def store_error(folder: Path, error: OSError) -> StoreError | None:
    """What `error` says about the output folder, or None where it is about something else."""
    found = _ENVIRONMENT.get(error.errno or 0)
    if found is None:
        return None
    return StoreError(f"{folder}: the output folder {found[0]}", hint=found[1])


@contextmanager
def explain_disk(folder: Path) -> Iterator[None]:
    """Turn a full, read-only or forbidden disk into a StoreError with a sentence."""
    try:
        yield
    except OSError as error:
        explained = store_error(folder, error)
        if explained is None:
            raise
        raise explained from error


def prepare_folder(folder: Path) -> None:
    """Make `folder`, and see that it can be written and has room.

    Raises
    ------
    StoreError
        It is a file, read-only, forbidden or full.
    """
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder}: is a file, not a folder", hint="choose another folder with --out")
    with explain_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        try:
            with probe.open("wb") as file:
                file.write(b"plimsoll")
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)
    check_room(folder)


def check_room(folder: Path) -> None:
    """Raise StoreError where the disk of `folder` is all but full."""
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE:
        raise StoreError(
            f"{folder}: the disk is full ({free / 2**20:.0f} MiB free, {MIN_FREE / 2**20:.0f} MiB needed)",
            hint="free some space and run the same command again: what is done stays done",
        )


def empty_work(folder: Path) -> Path:
    """A folder of this process below the work folder; what a killed batch left there is removed.

    Of its own, so that a child that outlives a killed batch by a moment writes nowhere near this one's files.
    """
    work = folder / WORK / str(os.getpid())
    with explain_disk(folder):
        remove_work(folder)
        work.mkdir(parents=True)
    return work


def remove_work(folder: Path) -> None:
    """Remove the work folder, if it is there."""
    shutil.rmtree(folder / WORK, ignore_errors=True)


def hash_file(path: Path) -> tuple[str, int]:
    """(sha256, bytes) of a file's content as it now lies on the disk."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, file.tell()


def sync_file(path: Path) -> None:
    """Bring a file, or the entries of a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_work(path: Path, data: bytes) -> None:
    """Write `data` to a file of the work folder and sync it."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def install(folder: Path, source: Path, target: str, *, sha256: str | None = None) -> Artefact:
    """Rename the finished file `source` to `target` (relative to `folder`) and say what it is.

    `sha256` is what its writer read back; a difference means that the disk did not keep what was written.

    Raises
    ------
    StoreError
        The disk is full or read-only, or the file is not what was written.
    """
    with explain_disk(folder):
        digest, size = hash_file(source)
        if sha256 is not None and digest != sha256:
            raise StoreError(f"{source}: changed after it was written", hint="check the disk")
        sync_file(source)
        destination = folder / target
        destination.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, destination)
        sync_file(destination.parent)
    return Artefact(path=target, sha256=digest, bytes=size)


def install_bytes(folder: Path, data: bytes, target: str) -> Artefact:
    """Write `data` beside, read it back, and rename it to `target` (relative to `folder`)."""
    work = folder / WORK
    with explain_disk(folder):
        work.mkdir(exist_ok=True)
        source = work / f"{hashlib.sha256(target.encode()).hexdigest()[:16]}.part"
        write_work(source, data)
    return install(folder, source, target, sha256=hashlib.sha256(data).hexdigest())


def write_text(path: Path, text: str) -> None:
    """Write a file that the store does not know, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    with explain_disk(path.parent):
        write_work(part, text.encode())
        os.replace(part, path)


def is_intact(folder: Path, artefact: Artefact) -> bool:
    """True where the file has the size and, for all but pictures, the content the store knows."""
    path = folder / artefact.path
    try:
        if not path.is_file() or path.stat().st_size != artefact.bytes:
            return False
        return path.suffix in {".png", ".tif"} or hash_file(path)[0] == artefact.sha256
    except OSError:
        return False
