"""Many scenes: a plan that is a value, executors that carry it out, one committer."""

from pipeline.batch.again import (
    Snapshot,
    compare_snapshots,
    draw_again,
    find_scenes,
    take_snapshot,
)
from pipeline.batch.compare import Change
from pipeline.batch.conduct import BatchOutcome, SceneOutcome, Step, run_batch
from pipeline.batch.describe import Request, code_version
from pipeline.batch.executors import Executor, InProcess, Pool, default_jobs, default_memory
from pipeline.batch.exports import export_season
from pipeline.batch.folder import make_report, remake_season
from pipeline.batch.season import SeasonFiles, read_results, read_season, write_season
from pipeline.batch.setting import Setting, read_setting
from pipeline.batch.signing import Said, sign

__all__ = [
    "BatchOutcome",
    "Change",
    "Executor",
    "InProcess",
    "Pool",
    "Request",
    "Said",
    "SceneOutcome",
    "SeasonFiles",
    "Setting",
    "Snapshot",
    "Step",
    "code_version",
    "compare_snapshots",
    "default_jobs",
    "default_memory",
    "draw_again",
    "export_season",
    "find_scenes",
    "make_report",
    "read_results",
    "read_season",
    "read_setting",
    "remake_season",
    "run_batch",
    "sign",
    "take_snapshot",
    "write_season",
]
