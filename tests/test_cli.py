"""The commands as the contract has them: what they print, where, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_season import write_scene, write_season

from pipeline.cli import COMMANDS, plimsoll
from pipeline.cli.ending import Session, run_command
from pipeline.store import Store


class Ended:
    """How one command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Call = Callable[..., Ended]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code = run_command(plimsoll, [str(a) for a in arguments], Session())
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Ended(code, out, err)

    return run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("season")
    write_season(folder, scenes=2)
    return folder


@pytest.fixture(scope="module")
def out(root: Path) -> Path:
    arguments = [
        root / "in",
        "--site",
        root / "site.geojson",
        "--fleet",
        root / "fleet.csv",
        "--out",
        root / "out",
    ]
    assert run_command(plimsoll, ["run", *map(str, arguments)], Session()) == 0
    return root / "out"


def test_help_answers_at_once() -> None:
    heavy = ("numpy", "rich", "pydantic", "cv2", "rasterio")
    code = f"import pipeline.cli, sys; print([m for m in {heavy} if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(call: Call, name: str) -> None:
    ended = call(name, "--help")
    assert ended.code == 0
    assert f"plimsoll {name}" in ended.out
    listed = call("--help").out
    assert name in listed


def test_version(call: Call) -> None:
    from pipeline import __version__

    assert call("--version").out == f"plimsoll {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "No such command"),
        (["run"], "Missing argument"),
        (["run", "no-such-folder"], "no such file or folder"),
        (["run", ".", "--jobs", "0"], "--jobs"),
        (["run", ".", "--set", "detect.nothing=1"], "no such setting"),
        (["run", ".", "--set", "nonsense"], "STAGE.KEY=VALUE"),
        (["visits", "--out", "no-such-folder"], "no results there"),
    ],
)
def test_wrong_usage_is_2_and_names_what(call: Call, arguments: list[str], words: str) -> None:
    ended = call(*arguments)
    assert ended.code == 2
    assert words in ended.err
    assert ended.out == ""


def test_a_folder_without_scenes_is_4(call: Call, root: Path, tmp_path: Path) -> None:
    ended = call("run", tmp_path, "--site", root / "site.geojson", "--out", tmp_path / "out")
    assert ended.code == 4
    assert "no scene below" in ended.err


def test_all_refused_is_4_and_some_is_3(call: Call, root: Path, tmp_path: Path) -> None:
    folder, rest = tmp_path / "in", ["--site", root / "site.geojson", "--fleet", root / "fleet.csv"]
    folder.mkdir()
    (folder / "bad.tif").write_bytes(b"II*\0 and then nothing that makes sense")
    ended = call("run", folder, *rest, "--out", tmp_path / "out")
    assert ended.code == 4
    assert "refused: bad:" in ended.err
    write_scene(folder, "good", day=3)
    ended = call("run", folder, *rest, "--out", tmp_path / "out")
    assert ended.code == 3
    assert "1 done, 1 refused" in ended.out
    assert "[1/1] good: " in ended.err


def test_the_summary_and_a_second_run(call: Call, root: Path, out: Path) -> None:
    again = call(
        "run",
        root / "in",
        "--site",
        root / "site.geojson",
        "--fleet",
        root / "fleet.csv",
        "--out",
        out,
        "--json",
    )
    assert again.code == 0
    summary = json.loads(again.out)
    assert {scene["status"] for scene in summary["scenes"]} == {"up to date"}
    assert summary["barrels"].keys() == {"measured", "imputed", "unseen", "baseline", "total"}


@pytest.mark.parametrize("name", ["visits", "volume"])
def test_json_is_exactly_the_file(call: Call, out: Path, name: str) -> None:
    text = (out / f"{name}.json").read_text(encoding="utf-8")
    assert call(name, "--out", out, "--json").out == text
    assert call(name, "--out", out).code == 0
    (out / f"{name}.json").write_text("{}")
    assert call(name, "--out", out, "--json").out == text, "a file that was edited is written anew"


def test_report_is_one_file_that_needs_no_other(call: Call, out: Path) -> None:
    ended = call("report", "--out", out)
    assert ended.code == 0
    page = Path(ended.out.strip())
    assert page == out / "report.html"
    text = page.read_text(encoding="utf-8")
    assert "look-1" in text
    assert 'src="http' not in text
    assert "<script src" not in text


def test_export_writes_a_kmz_and_a_sheet_a_visit(call: Call, out: Path) -> None:
    (out / "sheets").mkdir(exist_ok=True)
    (out / "sheets" / "20200101-gone.pdf").write_bytes(b"of a visit that was")
    ended = call("export", "--out", out)
    assert ended.code == 0
    visits = [v["visit_id"] for v in json.loads((out / "visits.json").read_text())["visits"]]
    sheets = [out / "sheets" / f"{name}.pdf" for name in visits]
    assert ended.out.splitlines() == [*map(str, sheets), str(out / "plimsoll.kmz")]
    assert sorted((out / "sheets").iterdir()) == sorted(sheets)
    before = {path: path.read_bytes() for path in (*sheets, out / "plimsoll.kmz")}
    assert call("export", "--out", out).code == 0
    assert {path: path.read_bytes() for path in before} == before
    with zipfile.ZipFile(out / "plimsoll.kmz") as archive:
        assert any(name.endswith("-ground.jpg") for name in archive.namelist())
    assert call("export", "nothing", "--out", out).code == 2


def test_annotate_by_id_and_by_path(call: Call, root: Path, out: Path, tmp_path: Path) -> None:
    picture = out / "scenes" / "look-1" / "annotated.png"
    before = picture.read_bytes()
    picture.unlink()
    ended = call("annotate", "look-1", "--out", out)
    assert ended.code == 0
    assert str(picture) in ended.out.splitlines()
    assert picture.read_bytes() == before
    assert call("annotate", root / "in" / "look-0.json", "--out", out).code == 0
    assert call("annotate", "nothing", "--out", out).code == 2


def test_reprocess_shows_what_moved_down_to_the_barrels(call: Call, root: Path, out: Path) -> None:
    ended = call("reprocess", "look-1", "--out", out)
    assert (ended.code, ended.out) == (0, "nothing moved\n")
    ended = call("reprocess", "look-1", "--out", out, "--set", "detect.min_length=390")
    assert ended.code == 0
    assert "scene look-1: " in ended.out
    assert "detections[d1].length" in ended.out
    back = call("reprocess", root / "in" / "look-1.json", "--out", out, "--set", "detect.min_length=40.0")
    assert "detections[d1].length" in back.out
    assert call("reprocess", "look-1", "--out", out, "--set", "detect.min_length=long").code == 2


def test_reprocess_leaves_other_scenes_and_signed_words_alone(call: Call, root: Path, out: Path) -> None:
    other = out / "scenes" / "look-0" / "result.json"
    stamp, text = other.stat().st_mtime_ns, other.read_bytes()
    assert call("identify", "look-1/d1", "--imo", 9319466, "--by", "A", "--out", out).code == 0
    ended = call("reprocess", "look-1", "--out", out, "--set", "load.edge_bias=0.1")
    assert ended.code == 0
    assert "1 signed word holds" in ended.err
    assert (other.stat().st_mtime_ns, other.read_bytes()) == (stamp, text)
    (visit,) = json.loads((out / "visits.json").read_text())["visits"]
    assert visit["identity"][0]["imo"] == 9319466
    call("reprocess", "look-1", "--out", out, "--set", "load.edge_bias=0.0")
    assert call("identify", "look-1/d1", "--withdraw", "--by", "A", "--out", out).code == 0


def test_a_busy_folder_is_6(call: Call, root: Path, out: Path) -> None:
    with Store.claim(out):
        ended = call("run", root / "in", "--site", root / "site.geojson", "--out", out)
    assert ended.code == 6
    assert "busy" in ended.err
    assert "hint:" in ended.err


def test_an_out_that_is_a_file_is_refused(call: Call, root: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    assert call("run", root / "in", "--out", tmp_path / "out").code == 2


def test_a_bug_is_1_and_names_the_log(
    call: Call, root: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> object:
        raise ZeroDivisionError("one\ntwo")

    monkeypatch.setattr("pipeline.ingest.read_site", broken)
    ended = call("run", root / "in", "--out", out)
    assert ended.code == 1
    assert ended.err.splitlines()[0] == "error: ZeroDivisionError: one"
    assert str(out / "plimsoll.log") in ended.err
    assert "in broken" in (out / "plimsoll.log").read_text()


def test_berths_that_nobody_confirmed_are_named(call: Call, root: Path, tmp_path: Path) -> None:
    site = json.loads((root / "site.geojson").read_text())
    site["features"][1]["properties"]["verified"] = False
    (tmp_path / "site.geojson").write_text(json.dumps(site))
    write_scene(tmp_path / "in", "one", day=1)
    ended = call("run", tmp_path / "in", "--site", tmp_path / "site.geojson", "--out", tmp_path / "out")
    assert "1 of 1 berths are candidates that nobody has confirmed (b1)" in ended.err
    result = json.loads((tmp_path / "out" / "scenes" / "one" / "result.json").read_text())
    assert [berth["verified"] for berth in result["berths"]] == [False]
