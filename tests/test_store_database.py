"""The store: one writer, whole files, what it does not know by hash is not there."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.datatypes import Grid
from pipeline.errors import StoreError, UsageError
from pipeline.store import (
    Artefact,
    SceneRow,
    Store,
    SurveyRow,
    grid_to_text,
    install_bytes,
    is_intact,
    pack_array,
    text_to_grid,
    unpack_array,
)


def row(scene_id: str = "s1", *, result: bytes | None = b"{}\n", key: str = "k") -> SceneRow:
    return SceneRow(
        scene_id=scene_id,
        path=f"/in/{scene_id}.tif",
        kind="geotiff",
        name=scene_id,
        content="c" + scene_id,
        images="i" + scene_id,
        key=key,
        status="ok",
        acquired="2024-08-10T00:00:00Z",
        site="quay",
        result=result,
    )


def test_a_scene_is_kept_with_its_files_and_replaced_as_one(tmp_path: Path) -> None:
    with Store.claim(tmp_path) as store:
        old = Artefact(path="scenes/s1/old.png", sha256="0", bytes=1)
        store.commit_scene(row(), [old])
        new = Artefact(path="scenes/s1/result.json", sha256="1", bytes=2)
        store.commit_scene(row(key="k2"), [new])
        assert store.scenes() == (row(key="k2"),)
        assert store.artefacts("s1") == (new,)
        assert store.artefacts(None) == ()
    with Store.open(tmp_path) as store:
        assert store.scenes() == (row(key="k2"),)


def test_a_failed_transaction_leaves_what_was_there(tmp_path: Path) -> None:
    with Store.claim(tmp_path) as store:
        store.commit_scene(row(), [])
        with pytest.raises(StoreError):
            store.commit_scene(row(key=None), [])  # type: ignore[arg-type]
        assert store.scenes() == (row(),)


def test_a_survey_replaces_that_of_the_same_bytes(tmp_path: Path) -> None:
    def survey(key: str) -> SurveyRow:
        return SurveyRow(key=key, content="c", acquired="2024", cells="[]", seen=b"x")

    with Store.claim(tmp_path) as store:
        store.commit_survey(survey("k1"))
        store.commit_survey(survey("k2"))
        assert store.surveys() == (survey("k2"),)


def test_a_second_writer_is_told_who_is_busy_and_readers_are_not(tmp_path: Path) -> None:
    with Store.claim(tmp_path) as store:
        store.commit_settings({"site": "{}"})
        with pytest.raises(StoreError, match=f"busy, process {os.getpid()}"):
            Store.claim(tmp_path)
        with Store.open(tmp_path) as reader:
            assert reader.settings() == {"site": "{}"}
    Store.claim(tmp_path).close()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from pipeline.store import Store\n"
        "Store.claim(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert ended.returncode == -9
    Store.claim(tmp_path).close()


def test_nothing_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no results there"):
        Store.open(tmp_path)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to look at", b""])
def test_a_damaged_database_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plimsoll.db").write_bytes(content * 400)
    if content:
        with pytest.raises(StoreError, match="is damaged"):
            Store.claim(tmp_path)
    with pytest.raises(StoreError, match="is damaged"):
        Store.open(tmp_path)


def test_a_newer_store_is_left_alone(tmp_path: Path) -> None:
    Store.claim(tmp_path).close()
    with sqlite3.connect(tmp_path / "plimsoll.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    for enter in (Store.claim, Store.open):
        with pytest.raises(StoreError, match="newer plimsoll"):
            enter(tmp_path)


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "plimsoll.db") as db:
        db.execute("CREATE TABLE scene (x)")
        db.execute("PRAGMA user_version = 1")
    db.close()
    with pytest.raises(StoreError, match="not a store of plimsoll"):
        Store.claim(tmp_path)


def test_an_out_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(StoreError, match="is a file"):
        Store.claim(tmp_path / "out")


def test_a_full_disk_is_named_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.store.files.MIN_FREE", 2**62)
    with pytest.raises(StoreError, match="disk is full"):
        Store.claim(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(StoreError, match="may not be written"):
        Store.claim(tmp_path)


def test_files_are_installed_whole_and_known_by_content(tmp_path: Path) -> None:
    file = install_bytes(tmp_path, b"hello", "scenes/s1/result.json")
    assert (tmp_path / file.path).read_bytes() == b"hello"
    assert is_intact(tmp_path, file)
    (tmp_path / file.path).write_bytes(b"jello")
    assert not is_intact(tmp_path, file)
    (tmp_path / file.path).unlink()
    assert not is_intact(tmp_path, file)
    assert not list((tmp_path / ".work").iterdir())


def test_arrays_and_grids_come_back_exactly() -> None:
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(unpack_array(pack_array(values), (3, 4)), values)
    with pytest.raises(ValueError):
        unpack_array(pack_array(values), (5, 5))
    grid = Grid(shape=(3, 4), to_ground=(0.1, 1 / 3, 2, -1e-9, 5, 6), origin=(132.8901234567, 42.7))
    assert text_to_grid(grid_to_text(grid)) == grid
