"""The published schemas are those of the records, and real documents satisfy them."""

import json

import pytest
from handmade import refused_scene, scene, visits, volume
from jsonschema import Draft202012Validator

from pipeline.store import generate_schema, to_json
from pipeline.store.schemas import DOCUMENTS, FOLDER


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_the_files_are_the_generated_schemas(name: str) -> None:
    kept = json.loads((FOLDER / f"{name}.schema.json").read_text())
    assert kept == generate_schema(name), (
        'python -c "from pipeline.store.schemas import write_schemas; write_schemas()"'
    )
    Draft202012Validator.check_schema(kept)


@pytest.mark.parametrize(
    ("name", "record"),
    [("result", scene()), ("result", refused_scene()), ("visits", visits()), ("volume", volume())],
)
def test_documents_satisfy_their_schema(name: str, record: object) -> None:
    validator = Draft202012Validator(generate_schema(name))
    document = json.loads(to_json(record))
    validator.validate(document)
    document.pop("schema_version")
    assert list(validator.iter_errors(document)), "every member is required"


def test_a_wrong_word_is_not_valid() -> None:
    document = json.loads(to_json(scene()))
    document["berths"][0]["state"] = "empty"
    assert not Draft202012Validator(generate_schema("result")).is_valid(document)
