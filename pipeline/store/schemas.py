"""JSON Schemas of the documents, generated from their records; the files beside this module are the copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.products import SceneResult, VisitsDocument, VolumeDocument

FOLDER = Path(__file__).resolve().parent / "schemas"
DOCUMENTS: dict[str, type[Any]] = {
    "result": SceneResult,
    "visits": VisitsDocument,
    "volume": VolumeDocument,
}


def generate_schema(name: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of `name`.json, every member required, as the writer writes them all."""
    from pydantic import TypeAdapter

    schema: dict[str, Any] = TypeAdapter(DOCUMENTS[name]).json_schema(mode="serialization")
    _require_all(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{name}.schema.json"} | schema


def _require_all(schema: Any) -> None:
    """Every member is written, those with a default too."""
    if isinstance(schema, dict) and isinstance(schema.get("properties"), dict):
        schema["required"] = list(schema["properties"])
        for member in schema["properties"].values():
            member.pop("default", None)
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _require_all(part)


def write_schemas(folder: Path = FOLDER) -> None:
    """Write every schema into `folder`, as the package ships them."""
    from pipeline.store.documents import plain_to_json

    folder.mkdir(parents=True, exist_ok=True)
    for name in DOCUMENTS:
        (folder / f"{name}.schema.json").write_text(plain_to_json(generate_schema(name)), encoding="utf-8")
