"""What a folder holds: which metadata describe a scene, and which files belong to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import InputError
from pipeline.ingest.bandnames import split_band_token
from pipeline.ingest.opening import read_json
from pipeline.ingest.stac import is_item, local_assets

_RASTERS: Final = (".tif", ".tiff", ".jp2", ".ntf")
_SAFE_METADATA: Final = ("MTD_MSIL2A.xml", "MTD_MSIL1C.xml", "manifest.safe")
_PLANET_FILE = re.compile(
    r"^(?P<item>\d{8}_\d{6}_\w+?)"
    r"(_(1A|1B|1C|3A|3B)(_\w+)?|_(basic_|ortho_)?(analytic|pansharpened|panchromatic|visual|udm2?)(_\w+)?|_metadata)$",
    re.IGNORECASE,
)
_ROOT_TAG = re.compile(rb"<\s*(?:[\w.-]+:)?([A-Za-z_][\w.-]*)[\s>/]")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Delivery:
    """One scene as it lies on the disk; not opened yet."""

    name: str
    """Safe as a folder name, unique within one call of `find_deliveries`; becomes `Scene.scene_id`."""
    path: Path
    """What describes it, absolute: STAC item, vendor metadata, SAFE folder or image."""
    kind: str
    """"stac", "safe", "planet", "maxar", "dimap", "band-files", "json-sidecar" or "geotiff"."""
    files: tuple[Path, ...] = ()
    """What belongs to it as far as its names tell, sorted; empty where `path` says it all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery and the files that are not scenes of their own because of it."""

    delivery: Delivery
    owned: frozenset[Path]


def claim_folder(folder: Path, names: Sequence[str]) -> tuple[Claim, ...]:
    """The deliveries described in one folder; bare images are left over.

    Parameters
    ----------
    folder
        Absolute.
    names
        Its files, sorted.
    """
    if is_safe_folder(folder, names):
        delivery = Delivery(name=folder.name.removesuffix(".SAFE"), path=folder, kind="safe")
        return (Claim(delivery=delivery, owned=frozenset()),)
    claims: list[Claim] = []
    owned: set[str] = set()
    finders: tuple[Callable[[Path, Sequence[str]], Iterable[Claim]], ...] = (
        _claim_items, _claim_xml, _claim_planet, _claim_band_files
    )  # fmt: skip
    for finder in finders:
        for claim in finder(folder, [n for n in names if n not in owned]):
            claims.append(claim)
            owned |= {p.name for p in claim.owned if p.parent == folder} | {claim.delivery.path.name}
    return tuple(claims)


def is_safe_folder(folder: Path, names: Sequence[str]) -> bool:
    """True for the root of a Sentinel product in SAFE layout."""
    return folder.suffix == ".SAFE" or any(n in names for n in _SAFE_METADATA)


def _raster_of(stem: str, names: Sequence[str]) -> str | None:
    """The raster in `names` with this stem, whatever the case of its suffix."""
    for name in names:
        path = Path(name)
        if path.suffix.lower() in _RASTERS and path.stem == stem:
            return name
    return None


def _claim_items(folder: Path, names: Sequence[str]) -> Iterable[Claim]:
    """STAC items, and the JSON sidecars of the Sentinel-2 chip collections."""
    for name in names:
        if not name.lower().endswith(".json"):
            continue
        path = folder / name
        twin = _raster_of(path.stem, names)
        own = frozenset({path} | ({folder / twin} if twin else set()))
        try:
            document = read_json(path)
        except InputError:
            if twin:  # a damaged item: refused with its reason, not read as a bare image
                yield Claim(delivery=Delivery(name=path.stem, path=path, kind="stac"), owned=own)
            continue
        if is_item(document):
            name_of = str(document.get("id") or path.stem)
            assets = frozenset(p for _, p, _ in local_assets(document, folder) if p is not None)
            yield Claim(delivery=Delivery(name=name_of, path=path, kind="stac"), owned=own | assets)
        elif (
            twin and isinstance(document, dict) and {"acquisition-date", "reflectance_scale"} & set(document)
        ):
            yield Claim(delivery=Delivery(name=path.stem, path=path, kind="json-sidecar"), owned=own)


def _root_tag(path: Path) -> str:
    """Local name of the first element, from the first 4 KiB: nothing is parsed yet."""
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError:
        return ""
    found = _ROOT_TAG.search(re.sub(rb"<[?!][^>]*>", b"", head))
    return found.group(1).decode() if found else ""


def _claim_xml(folder: Path, names: Sequence[str]) -> Iterable[Claim]:
    """Maxar's IMD or XML, and DIMAP, beside their image."""
    seen: set[str] = set()
    for name in names:
        path = folder / name
        suffix = path.suffix.lower()
        if suffix not in (".imd", ".xml") or not path.is_file() or path.is_symlink():
            continue
        tag = "isd" if suffix == ".imd" else _root_tag(path)
        twin = _raster_of(path.stem, names)
        if tag == "isd" and twin and path.stem not in seen:
            seen.add(path.stem)
            pair = frozenset({folder / n for n in names if Path(n).stem == path.stem})
            yield Claim(delivery=Delivery(name=path.stem, path=path, kind="maxar"), owned=pair)
        elif tag == "Dimap_Document" and path.stem.upper().startswith("DIM"):
            product = path.stem[4:] if path.stem[3:4] == "_" else path.stem
            images = {folder / n for n in names if Path(n).suffix.lower() in _RASTERS}  # tiles, previews
            yield Claim(
                delivery=Delivery(name=product, path=path, kind="dimap"), owned=frozenset({path} | images)
            )


def _claim_planet(folder: Path, names: Sequence[str]) -> Iterable[Claim]:
    """PlanetScope and SkySat files of one item: the metadata, the products and the masks."""
    items: dict[str, list[str]] = {}
    for name in names:
        if match := _PLANET_FILE.match(Path(name).stem):
            items.setdefault(match["item"], []).append(name)
        elif Path(name).suffix.lower() == ".json" and f"{Path(name).stem}_3B_AnalyticMS.tif" in names:
            items.setdefault(Path(name).stem, []).append(name)
    for item, files in sorted(items.items()):
        metadata = [n for n in files if n.lower().endswith(("_metadata.xml", ".json"))]
        if metadata and any(n.lower().endswith(_RASTERS) for n in files):
            own = frozenset(folder / n for n in files)
            yield Claim(
                delivery=Delivery(
                    name=item, path=folder / metadata[0], kind="planet", files=tuple(sorted(own))
                ),
                owned=own,
            )


def _claim_band_files(folder: Path, names: Sequence[str]) -> Iterable[Claim]:
    """Groups of one-band-a-file images whose names differ by the band alone."""
    groups: dict[str, list[str]] = {}
    for name in names:
        token = split_band_token(Path(name).stem)
        if token and name.lower().endswith(_RASTERS):
            groups.setdefault(token[1], []).append(name)
    for rest, files in sorted(groups.items()):
        if len(files) < 2:
            continue
        date = re.match(r"\d{4}-\d{2}-\d{2}", rest)
        name_of = f"{folder.name}-{date.group()}" if date else rest.strip("_-. ")
        own = frozenset(folder / n for n in files)
        yield Claim(delivery=Delivery(name=name_of, path=folder / files[0], kind="band-files"), owned=own)
