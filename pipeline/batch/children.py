"""What a child process does: one scene, read and measured, its pictures left in the work folder."""

from __future__ import annotations

import errno
import hashlib
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from pipeline.batch.looks import Looks, clouds_path, save_clouds
from pipeline.batch.plan import hash_content
from pipeline.batch.records import Failure, Looked, LookJob, Measured, MeasureJob, Picture, PictureJob
from pipeline.datatypes import Grid, InputFile, Scene
from pipeline.errors import InputError, Refused
from pipeline.look import Look, Memory, Survey, join_surveys, survey_site
from pipeline.pieces import Part, meets_site, order_pictures, split_result
from pipeline.products import SceneResult
from pipeline.run import Background, describe_scene, join_scene, measure_piece, picture_scene, picture_ships
from pipeline.store import (
    SurveyRow,
    format_time,
    from_json,
    grid_to_text,
    hash_file,
    pack_array,
    to_json,
    write_geotiff,
    write_png,
)

Job = TypeVar("Job")
Made = TypeVar("Made")
CROPS = "ships"
"""Folder of a scene that holds one picture a ship."""
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def guard(function: Callable[[Job], Made], job: Job) -> Made | Failure:
    """`function(job)`, or the Failure that it ended in: the one place where any exception is caught."""
    try:
        return function(job)
    except MemoryError:
        return Failure(kind="crashed", message="ran out of the memory allowed to one scene")
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _DISK:
            return Failure(kind="disk", message=str(error))
        if "Insufficient memory" in str(error):  # what OpenCV raises
            return Failure(kind="crashed", message="ran out of the memory allowed to one scene")
        first = (str(error).splitlines() or [""])[0]
        return Failure(
            kind="failed", message=f"{type(error).__name__}: {first}", trace=traceback.format_exc()
        )


def as_refused(error: InputError) -> Refused:
    """The refusal that an unusable input becomes."""
    return Refused(code=error.code, message=f"{error}; {error.hint}" if error.hint else str(error))


# --------------------------------------------------------------------------------------- first look


def survey_key(content: str, salt: str) -> str:
    """What a survey depends on, as one hash."""
    return hashlib.sha256(f"{content} {salt}".encode()).hexdigest()


def take_look(job: LookJob) -> Looked:
    """Read the metadata, hash the files and, where the scene meets the site, survey its water."""
    from pipeline.ingest import content_hash, read_scene

    try:
        scene = read_scene(job.delivery)
    except InputError as error:
        inputs = _named_file(job.delivery.path)
        return Looked(
            delivery=job.delivery,
            scene=None,
            refused=as_refused(error),
            inputs=inputs,
            content=hash_content(inputs),
            images=hash_content(inputs),
        )
    content = hash_content(scene.inputs)
    looked = Looked(
        delivery=job.delivery,
        scene=scene,
        refused=None,
        inputs=scene.inputs,
        content=content,
        images=content_hash(scene) if scene.inputs else "",
    )
    site, salt = next(((s, salt) for s, salt in job.sites if meets_site(scene, s)), (None, ""))
    if site is None:
        return looked
    from pipeline.detect import site_cells

    looked = replace(looked, site=site.id, cells=grid_to_text(site_cells(site, scene.gsd)))
    key = survey_key(content, salt)
    if scene.datetime is None or key in job.known:
        return looked
    if not job.survey:
        return replace(looked, unsurveyed=key)
    masks = clouds_path(job.work, content)

    def survey_piece(number: int, look: Look) -> Survey | None:
        save_clouds(masks, number, look.clouds)
        return survey_site(look)

    try:
        found = Looks(scene, site, job.config).each(survey_piece)
    except InputError:
        return looked  # the measuring child meets it again, and refuses the scene
    return replace(looked, survey=_survey_row(scene, key, found.values()))


def _survey_row(scene: Scene, key: str, found: Iterable[Survey | None]) -> SurveyRow | None:
    """The surveys of a scene's pieces as the store keeps them."""
    surveys = [survey for survey in found if survey is not None]
    if not surveys or scene.datetime is None:
        return None
    survey = join_surveys(surveys)
    return SurveyRow(
        key=key,
        content=hash_content(scene.inputs),
        acquired=format_time(scene.datetime),
        cells=grid_to_text(survey.cells),
        seen=pack_array(survey.seen),
    )


def _named_file(path: Path) -> tuple[InputFile, ...]:
    """What stands where the delivery is, if it is a plain file that can be read."""
    try:
        if not path.is_file() or path.is_symlink():
            return ()
        sha256, size = hash_file(path)
    except OSError:
        return ()
    return (InputFile(path=path.name, sha256=sha256, bytes=size),)


# ------------------------------------------------------------------------------------------ measure


def save_memory(path: Path, memory: Memory) -> None:
    """Leave the terminal's memory in the work folder, for the children."""
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            empty=memory.empty,
            to_ground=np.array(memory.cells.to_ground),
            origin=np.array(memory.cells.origin),
        )


def _load_memory(path: Path | None) -> Memory | None:
    if path is None:
        return None
    with np.load(path, allow_pickle=False) as saved:
        empty = np.asarray(saved["empty"], dtype=np.uint8)
        a, b, c, d, e, f = (float(v) for v in saved["to_ground"])
        lon, lat = (float(v) for v in saved["origin"])
    grid = Grid(shape=(empty.shape[0], empty.shape[1]), to_ground=(a, b, c, d, e, f), origin=(lon, lat))
    return Memory(cells=grid, empty=empty)


def tell_progress(work: Path) -> Callable[[int, int], None]:
    """Leaves beside the scene's work folder how many of its pieces are done, for the parent to read."""
    path = progress_path(work)

    def tell(done: int, total: int) -> None:
        if total > 1:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{done} {total}")

    return tell


def progress_path(work: Path) -> Path:
    """Of a scene's progress, beside its work folder."""
    return work.with_name(f"{work.name}.progress")


def read_progress(work: Path) -> tuple[int, int] | None:
    """(pieces done, pieces in all) as the child left it; None where there is nothing to say."""
    try:
        done, total = progress_path(work).read_text().split()
    except (OSError, ValueError):  # not there yet, or just being written
        return None
    return int(done), int(total)


def take_measure(job: MeasureJob) -> Measured:
    """All that the scene says, and its pictures; a refused scene has none."""
    from pipeline.ingest import read_quays

    background = Background(
        site=job.site,
        fleet=job.fleet,
        memory=_load_memory(job.memory),
        quays=read_quays(),
        config=job.config,
        software=job.software,
    )
    looks = Looks(job.scene, job.site, job.config, clouds=job.clouds)
    surveys: list[Survey | None] = []

    def measure(number: int, look: Look) -> Part:
        part, sea = measure_piece(look, background)
        if job.unsurveyed is not None:
            surveys.append(survey_site(look, sea))
        return part

    try:
        parts = looks.each(measure, tell_progress(job.work))
    except InputError as error:
        refused = as_refused(error)
        result = describe_scene(job.scene, job.software, reason=refused)
        return Measured(result=to_json(result).encode(), refused=refused, pictures=())
    by_area = {looks.areas[number]: part for number, part in parts.items()}
    text = to_json(join_scene(job.scene, job.site, by_area)).encode()
    return Measured(
        result=text,
        refused=None,
        pictures=_draw(job.work, looks, list(parts), text),
        survey=None if job.unsurveyed is None else _survey_row(job.scene, job.unsurveyed, surveys),
    )


def take_picture(job: PictureJob) -> Measured:
    """The pictures of a result that is already there."""
    from pipeline.ingest import read_scene

    try:
        scene = read_scene(job.delivery)
        if hash_content(scene.inputs) != job.content:
            refused = Refused(
                code="bytes-changed",
                message=f"{job.delivery.path}: not the files that were measured; plimsoll run measures them",
            )
            return Measured(result=job.result, refused=refused, pictures=())
        looks = Looks(replace(scene, scene_id=job.scene_id), job.site, job.config)
        readable = list(looks.each(lambda number, look: None, tell_progress(job.work)))
    except InputError as error:
        return Measured(result=job.result, refused=as_refused(error), pictures=())
    return Measured(result=job.result, refused=None, pictures=_draw(job.work, looks, readable, job.result))


def _draw(work: Path, looks: Looks, readable: Sequence[int], text: bytes) -> tuple[Picture, ...]:
    """Draw what was written, so that a picture made again later is the same.

    A page for each piece; of a scene in tiles one page of the whole.
    """
    result = from_json(SceneResult, text)
    if looks.whole is not None:
        chip, clouds = looks.whole.look()
        look = Look(scene=looks.scene, chip=chip, clouds=clouds, site=None)
        return tuple(_draw_page(work, look, result, "annotated"))
    results = split_result(looks.scene, [looks.areas[number] for number in readable], result)
    order = order_pictures(results)
    names = {at: "annotated" if place == 1 else f"annotated-{place}" for place, at in enumerate(order, 1)}
    drawn = {  # the piece that was read last is still in memory
        at: _draw_piece(work, looks.at(readable[at]), results[at], names[at])
        for at in reversed(range(len(readable)))
    }
    return tuple(picture for at in order for picture in drawn[at])


def _draw_piece(work: Path, look: Look, result: SceneResult, name: str) -> list[Picture]:
    pictures = _draw_page(work, look, result, name)
    (work / CROPS).mkdir(exist_ok=True)
    for ship, crop in picture_ships(look, result).items():
        path = work / CROPS / f"{ship}.png"
        write_png(path, crop)
        pictures.append(_picture(work, path))
    return pictures


def _draw_page(work: Path, look: Look, result: SceneResult, name: str) -> list[Picture]:
    drawn = picture_scene(look, result)
    work.mkdir(parents=True, exist_ok=True)
    page, overlay = work / f"{name}.png", work / f"{name}.tif"
    write_png(page, drawn.page)
    paths = [page]
    if drawn.overlay is not None and drawn.grid is not None:
        write_geotiff(overlay, drawn.overlay, grid=drawn.grid, crs=look.scene.crs)
        paths.append(overlay)
    return [_picture(work, path) for path in paths]


def _picture(work: Path, path: Path) -> Picture:
    return Picture(name=path.relative_to(work).as_posix(), path=path, sha256=hash_file(path)[0])
