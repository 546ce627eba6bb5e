"""Which scenes there are below the inputs. One delivery is one scene, whatever number of files it has."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.ingest.claims import Claim, Delivery, claim_folder, is_safe_folder

_RASTER_SUFFIXES = (".tif", ".tiff", ".jp2", ".ntf", ".vrt")
_STORE = "plimsoll.db"


def find_deliveries(inputs: Sequence[Path]) -> tuple[Delivery, ...]:
    """Every scene at or below `inputs`, sorted by name.

    A folder that holds a Plimsoll store, and hidden folders, are not searched; links to folders are not
    followed. An asset that an item or a vendor's metadata claims is not a scene again.

    Parameters
    ----------
    inputs
        Folders and files; a file stands for the delivery that it belongs to.

    Raises
    ------
    UsageError
        An input does not exist.
    """
    claims: dict[Path, Claim] = {}
    alone: set[Path] = set()
    for given in inputs:
        root = Path(os.path.abspath(given))
        if not root.exists():
            raise UsageError(f"{given}: no such file or folder", hint="name a scene, or a folder of scenes")
        root = root.resolve()
        if root.is_dir():
            for folder, names in _walk(root):
                claims |= {c.delivery.path: c for c in claim_folder(folder, names)}
                if not is_safe_folder(folder, names):
                    alone |= {folder / n for n in names if n.lower().endswith(_RASTER_SUFFIXES)}
        else:
            claim = _claim_of(root)
            claims[claim.delivery.path] = claim
    owned = frozenset().union(*(c.owned for c in claims.values()))
    deliveries = [c.delivery for c in claims.values() if c.delivery.path not in owned - {c.delivery.path}]
    deliveries += [
        Delivery(name=safe_name(path.stem), path=path, kind="geotiff")
        for path in alone - owned
        if path not in claims
    ]
    return _with_unique_names(sorted(deliveries))


def safe_name(name: str) -> str:
    """`name` as a folder name: letters, digits, dot, underscore, hyphen, at most 100; hashed if changed."""
    normal = unicodedata.normalize("NFC", name)
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", normal).lstrip(".-")
    if clean == normal and 0 < len(clean) <= 100:
        return clean
    digest = hashlib.sha256(normal.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{clean[:91].rstrip('.-') or 'scene'}-{digest}"


def _walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """(folder, sorted file names) below root; a SAFE folder is one stop, a store is left out."""
    for folder, folders, names in os.walk(root):
        if _STORE in names:
            folders.clear()
            continue
        folders[:] = sorted(n for n in folders if not n.startswith("."))
        if is_safe_folder(Path(folder), names):
            folders.clear()
        yield Path(folder), sorted(n for n in names if not n.startswith("."))


def _claim_of(path: Path) -> Claim:
    """What one named file stands for: its own folder, or a SAFE folder above it, is asked."""
    for folder in path.parents:
        names = sorted(os.listdir(folder)) if folder == path.parent or folder.suffix == ".SAFE" else []
        for claim in claim_folder(folder, names) if names else ():
            inside_safe = claim.delivery.kind == "safe" and path.is_relative_to(claim.delivery.path)
            if path == claim.delivery.path or path in claim.owned or inside_safe:
                return claim
    kind = "stac" if path.suffix.lower() in (".json", ".geojson") else "geotiff"
    return Claim(delivery=Delivery(name=path.stem, path=path, kind=kind), owned=frozenset({path}))


def _with_unique_names(deliveries: list[Delivery]) -> tuple[Delivery, ...]:
    """Names made safe, and told apart where two deliveries share one whatever the case of its letters."""
    taken: set[str] = set()
    unique: list[Delivery] = []
    for delivery in deliveries:
        name, number = safe_name(delivery.name), 1
        while name.casefold() in taken:
            number += 1
            name = f"{safe_name(delivery.name)[:96]}-{number}"
        taken.add(name.casefold())
        unique.append(replace(delivery, name=name))
    return tuple(sorted(unique))
