"""The output folder: the SQLite store, whole files, schemas and exports."""

from pipeline.store.arrays import grid_to_text, pack_array, text_to_grid, unpack_array
from pipeline.store.database import SceneRow, Status, Store, SurveyRow
from pipeline.store.documents import (
    format_time,
    from_json,
    plain_to_json,
    round_number,
    to_json,
    to_plain,
)
from pipeline.store.files import (
    WORK,
    Artefact,
    check_room,
    empty_work,
    hash_file,
    install,
    install_bytes,
    is_intact,
    prepare_folder,
    remove_work,
    write_text,
)
from pipeline.store.geopackage import write_geopackage
from pipeline.store.pictures import write_geotiff, write_png
from pipeline.store.schemas import generate_schema
from pipeline.store.signed import SignedRow, WordKind
from pipeline.store.tables import format_visits

__all__ = [
    "WORK",
    "Artefact",
    "SceneRow",
    "SignedRow",
    "Status",
    "Store",
    "SurveyRow",
    "WordKind",
    "check_room",
    "empty_work",
    "format_time",
    "format_visits",
    "from_json",
    "generate_schema",
    "grid_to_text",
    "hash_file",
    "install",
    "install_bytes",
    "is_intact",
    "pack_array",
    "plain_to_json",
    "prepare_folder",
    "remove_work",
    "round_number",
    "text_to_grid",
    "to_json",
    "to_plain",
    "unpack_array",
    "write_geopackage",
    "write_geotiff",
    "write_png",
    "write_text",
]
