"""One writer a folder: an advisory lock that dies with its holder, so that none is ever stale."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.store.files import explain_disk

NAME = ".lock"


class FolderLock:
    """Held from construction to `release`, or to the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Take the lock of `folder`.

        Raises
        ------
        StoreError
            Another process holds it.
        """
        import fcntl

        path = folder / NAME
        with explain_disk(folder):
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._handle, 200, 0).decode(errors="replace").strip() or "another process"
            os.close(self._handle)
            raise StoreError(
                f"{folder}: busy, {holder} is working in it", hint="wait for it, or choose another --out"
            ) from error
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)

    def release(self) -> None:
        """Let the folder go."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
