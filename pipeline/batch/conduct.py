"""A batch from beginning to end: look, learn the terminal, plan, measure, commit, sum up the season."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.batch.children import CROPS, read_progress, save_memory, take_look, take_measure
from pipeline.batch.describe import (
    Request,
    canonical,
    code_version,
    describe_result,
    describe_software,
    empty_result,
    hash_fleet,
    hash_text,
    scene_config,
    survey_salt,
    unread_row,
)
from pipeline.batch.executors import Executor
from pipeline.batch.looks import clouds_path
from pipeline.batch.memory import hash_memory, learn_memories
from pipeline.batch.plan import Plan, Refusal, Task, Wanted, plan_batch
from pipeline.batch.records import Failure, Looked, LookJob, Measured, MeasureJob, Picture
from pipeline.batch.season import SeasonFiles, write_season
from pipeline.batch.setting import write_setting
from pipeline.constants import FEWEST_LOOKS
from pipeline.datatypes import Site
from pipeline.errors import Refused, StoreError
from pipeline.look import Memory
from pipeline.products import SceneResult
from pipeline.run import describe_scene
from pipeline.store import (
    Artefact,
    SceneRow,
    Store,
    check_room,
    empty_work,
    format_time,
    install,
    install_bytes,
    is_intact,
    remove_work,
    to_json,
)

if TYPE_CHECKING:
    from pipeline.ingest import Delivery

PICTURES = ("annotated.png", "annotated.tif")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Progress: one delivery is one step further."""

    phase: str
    """"look", "measure", or "piece": of one scene, of which there are too many pixels to hold"""
    done: int
    total: int
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneOutcome:
    """How one delivery ended."""

    scene_id: str
    status: str
    """"ok", "refused", "failed", "crashed", "up to date", "duplicate" """
    reason: str
    """Why it was done or not."""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOutcome:
    """How a batch ended."""

    scenes: tuple[SceneOutcome, ...]
    season: SeasonFiles
    looks: int
    """Scenes in the folder that were measured, in this run or before."""
    looks_at_site: int
    """Those of them that meet the site."""
    ships: int
    """Detections in them."""
    measured: int
    """Detections with a freeboard."""

    @property
    def troubled(self) -> tuple[SceneOutcome, ...]:
        """The scenes that are refused, failed or crashed."""
        return tuple(s for s in self.scenes if s.status in {"refused", "failed", "crashed"})


def run_batch(
    request: Request,
    executor: Executor,
    *,
    report: Callable[[Step], None] = lambda step: None,
    log: Callable[[str], None] = lambda text: None,
) -> BatchOutcome:
    """Carry a request out and leave its results in the folder.

    Raises
    ------
    StoreError
        The folder is busy, read-only, damaged or full; what was done until then is kept.
    """
    request = canonical(request)
    with Store.claim(request.out) as store:
        work = empty_work(request.out)
        batch = _Batch(request=request, executor=executor, store=store, work=work, report=report, log=log)
        try:
            outcome = batch.conduct()
        finally:
            remove_work(request.out)
    return outcome


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Batch:
    request: Request
    executor: Executor
    store: Store
    work: Path
    report: Callable[[Step], None]
    log: Callable[[str], None]

    def conduct(self) -> BatchOutcome:
        request, store = self.request, self.store
        write_setting(store, request.setting)
        looks, broken = self._look()
        memories = learn_memories(store.surveys())
        wanted = self._wanted({cells: hash_memory(m) for cells, m in memories.items()})
        rows = store.scenes()
        intact = frozenset(row.scene_id for row in rows if self._is_whole(row))
        plan = plan_batch(looks, rows, wanted, intact=intact, force=request.force)
        ended = [*broken, *self._skipped(plan), *(self._refuse(refusal) for refusal in plan.refusals)]
        ended += self._measure(plan.tasks, memories)
        season = write_season(store, request.setting, code_version())
        results = [json.loads(row.result or b"") for row in store.scenes() if row.is_measured]
        ships = [ship for result in results for ship in result["detections"]]
        return BatchOutcome(
            scenes=tuple(sorted(ended, key=lambda s: (s.scene_id, s.status))),
            season=season,
            looks=len(results),
            looks_at_site=sum(
                result["site"] in {site.id for site in request.setting.sites} for result in results
            ),
            ships=len(ships),
            measured=sum(ship["freeboard"] is not None for ship in ships),
        )

    # ---------------------------------------------------------------------------------- first look

    def _look(self) -> tuple[list[Looked], list[SceneOutcome]]:
        request = self.request
        known = frozenset(row.key for row in self.store.surveys())
        sites = tuple((site, survey_salt(site, request.config)) for site in request.setting.sites)
        jobs = [
            LookJob(
                delivery=delivery,
                sites=sites,
                config=request.config,
                known=known,
                survey=len(known) + len(request.deliveries) >= FEWEST_LOOKS,
                work=self.work,
            )
            for delivery in request.deliveries
        ]
        looks: list[Looked] = []
        broken: list[SceneOutcome] = []
        for done, (at, made) in enumerate(self.executor.run(take_look, jobs), 1):
            delivery = request.deliveries[at]
            if isinstance(made, Failure):
                broken.append(self._fail_look(delivery, made))
            else:
                looks.append(made)
                if made.survey is not None:
                    self.store.commit_survey(made.survey)
            self._step("look", done, len(jobs), delivery.name, "looked at")
        return looks, broken

    def _wanted(self, memories: dict[str, str]) -> Wanted:
        request = self.request
        hashes = {site.id: hash_text(to_json(site)) for site in request.setting.sites}
        return Wanted(
            version=code_version(),
            site=hash_text("".join(hashes.values())) if request.beyond else hashes[request.site.id],
            sites=hashes,
            register=hash_fleet(request.fleet),
            settings=scene_config(request.config).sha256(),
            memories=memories,
        )

    def _is_whole(self, row: SceneRow) -> bool:
        """True where every file that belongs to the row is there, unharmed."""
        files = self.store.artefacts(row.scene_id)
        expected = {f"scenes/{row.scene_id}/result.json"}
        if row.status == "ok":
            expected |= {f"scenes/{row.scene_id}/{name}" for name in PICTURES}
        return expected <= {f.path for f in files} and all(is_intact(self.store.folder, f) for f in files)

    # ------------------------------------------------------------------------------------- measure

    def _measure(self, tasks: Sequence[Task], memories: dict[str, Memory]) -> Iterator[SceneOutcome]:
        if not tasks:
            return
        paths: dict[str, Path] = {}
        for cells, memory in memories.items():
            paths[cells] = self.work / f"memory-{hash_memory(memory)[:16]}.npz"
            save_memory(paths[cells], memory)
        jobs = [self._job(task, paths) for task in tasks]
        told = dict[str, tuple[int, int]]()

        def tick() -> None:
            for job in jobs:
                name, progress = job.scene.scene_id, read_progress(job.work)
                if progress is not None and progress != told.get(name):
                    told[name] = progress
                    self._step("piece", *progress, name, "{} of {} pieces".format(*progress))

        for done, (at, made) in enumerate(self.executor.run(take_measure, jobs, tick), 1):
            task = tasks[at]
            check_room(self.store.folder)
            if isinstance(made, Failure):
                refused = Refused(code=made.kind, message=made.message)
                software = describe_software(self.request, self._site(task))
                result = describe_scene(task.scene, software, reason=refused)
                outcome = self._fail(task.delivery, result, made, task.reason)
            else:
                if made.survey is not None:  # before the scene: one that is up to date is surveyed
                    self.store.commit_survey(made.survey)
                outcome = self._commit(task, made)
            self._step("measure", done, len(jobs), outcome.scene_id, outcome.message or outcome.status)
            yield outcome

    def _site(self, task: Task) -> Site:
        return self.request.setting.site_of(task.site)

    def _job(self, task: Task, paths: dict[str, Path]) -> MeasureJob:
        return MeasureJob(
            scene=task.scene,
            site=self._site(task),
            fleet=self.request.fleet,
            config=self.request.config,
            software=describe_software(self.request, self._site(task)),
            memory=None if task.cells is None else paths.get(task.cells),
            clouds=clouds_path(self.work, task.key.content),
            unsurveyed=task.unsurveyed,
            work=self.work / task.scene.scene_id,
        )

    def _commit(self, task: Task, made: Measured) -> SceneOutcome:
        scene = task.scene
        row = SceneRow(
            scene_id=scene.scene_id,
            path=str(task.delivery.path),
            kind=task.delivery.kind,
            name=task.delivery.name,
            content=task.key.content,
            images=task.images,
            key=task.key.to_text(),
            status="ok" if made.refused is None else "refused",
            code=None if made.refused is None else made.refused.code,
            message=None if made.refused is None else made.refused.message,
            acquired=None if scene.datetime is None else format_time(scene.datetime),
            site=task.site,
            result=made.result,
        )
        self._install(row, made.pictures)
        said = describe_result(made)
        return SceneOutcome(
            scene_id=scene.scene_id,
            status=row.status,
            reason=task.reason,
            message=f"{said}; {task.flag}" if task.flag else said,
        )

    def _install(self, row: SceneRow, pictures: Sequence[Picture]) -> None:
        """Files first, the database last."""
        folder, here = self.store.folder, f"scenes/{row.scene_id}"
        files = [install(folder, p.path, f"{here}/{p.name}", sha256=p.sha256) for p in pictures]
        files.append(install_bytes(folder, row.result or b"", f"{here}/result.json"))
        self.store.commit_scene(row, files)
        self._remove_orphans(here, files)

    def _remove_orphans(self, here: str, files: Sequence[Artefact]) -> None:
        """Remove pictures of an earlier result of the scene, which would now show something else."""
        folder = self.store.folder
        known = {file.path for file in files}
        for path in [*(folder / here).glob("annotated*.*"), *(folder / here / CROPS).glob("*.png")]:
            if path.relative_to(folder).as_posix() not in known:
                path.unlink(missing_ok=True)

    # -------------------------------------------------------------------------------- what went wrong

    def _skipped(self, plan: Plan) -> list[SceneOutcome]:
        ended = []
        for skip in plan.skips:
            status = "refused" if skip.refused is not None else skip.reason.split(" of ")[0]
            message = "" if skip.refused is None else f"{skip.refused.code}: {skip.refused.message}"
            if status == "duplicate":
                message = f"{skip.delivery.name} is a {skip.reason}"
            ended.append(
                SceneOutcome(scene_id=skip.scene_id, status=status, reason=skip.reason, message=message)
            )
        return ended

    def _refuse(self, refusal: Refusal) -> SceneOutcome:
        """Record a delivery that is no scene; with the same bytes it is recorded the same way."""
        result = empty_result(refusal.scene_id, self.request, refusal.refused)
        row = unread_row(refusal.delivery, replace(result, inputs=refusal.inputs), "refused")
        row = replace(row, content=refusal.content, images=refusal.images)
        if self.store.scene(row.scene_id) != row or not self._is_whole(row):
            self._install(row, ())
        return SceneOutcome(
            scene_id=row.scene_id,
            status="refused",
            reason="unreadable",
            message=f"{refusal.refused.code}: {refusal.refused.message}",
        )

    def _fail_look(self, delivery: Delivery, failure: Failure) -> SceneOutcome:
        """Record a delivery whose first look brought nothing back, under the name the folder knows it by."""
        known = self.store.scene_at(delivery.path)
        scene_id = delivery.name if known is None else known.scene_id
        if known is None and self.store.scene(scene_id) is not None:
            scene_id = f"{scene_id[:91]}-{hash_text(str(delivery.path))[:8]}"
        reason = Refused(code=failure.kind, message=failure.message)
        return self._fail(delivery, empty_result(scene_id, self.request, reason), failure, "new")

    def _fail(self, delivery: Delivery, result: SceneResult, failure: Failure, reason: str) -> SceneOutcome:
        """Record a scene that brought nothing back; an earlier measurement of it stands."""
        if failure.kind == "disk":
            raise StoreError(
                f"{self.store.folder}: cannot be written ({failure.message})",
                hint="free some space and run the same command again: what is done stays done",
            )
        scene_id, kind, message = result.scene_id, failure.kind, failure.message
        self.log(f"{scene_id}: {kind}: {message}\n{failure.trace}")
        known = self.store.scene(scene_id)
        if known is not None and known.is_measured:
            self.store.commit_outcome(scene_id, status=kind, code=kind, message=message)
        else:
            self._install(unread_row(delivery, result, kind), ())
        return SceneOutcome(scene_id=scene_id, status=kind, reason=reason, message=message)

    def _step(self, phase: str, done: int, total: int, name: str, text: str) -> None:
        self.report(Step(phase=phase, done=done, total=total, name=name, text=text))
