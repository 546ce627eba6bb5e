"""Children may crash, hang or eat memory: their own scene suffers, and no other."""

from __future__ import annotations

import ctypes
import errno
import os
import time

import pytest

from pipeline.batch.children import guard
from pipeline.batch.executors import InProcess, Pool, default_jobs, default_memory, describe_exit
from pipeline.batch.records import Failure
from pipeline.errors import InputError


def work(job: str) -> str:
    """What a job asks for."""
    if job == "segfault":
        ctypes.string_at(0)
    if job == "hang":
        time.sleep(60)
    if job == "memory":
        return str(len(bytearray(8 * 2**30)))
    if job == "exit":
        os._exit(3)
    if job == "bug":
        raise ZeroDivisionError("first line\nsecond line")
    if job == "disk":
        raise OSError(errno.ENOSPC, "No space left on device")
    if job == "environment":
        return f"{os.environ['OMP_NUM_THREADS']} {os.environ['GDAL_PAM_ENABLED']}"
    return job.upper()


JOBS = ["a", "segfault", "hang", "b", "memory", "exit", "bug", "environment", "c", "disk"]


@pytest.fixture(scope="module")
def outcome() -> dict[str, object]:
    pool = Pool(jobs=2, memory=4 * 2**30, timeout=3.0)
    return {JOBS[at]: made for at, made in pool.run(work, JOBS)}


def test_every_job_is_answered_once(outcome: dict[str, object]) -> None:
    assert sorted(outcome) == sorted(JOBS)


def test_neighbours_are_unharmed(outcome: dict[str, object]) -> None:
    assert [outcome[name] for name in "abc"] == ["A", "B", "C"]


def test_children_know_their_surroundings(outcome: dict[str, object]) -> None:
    assert outcome["environment"] == "1 NO"


@pytest.mark.parametrize(
    ("job", "kind", "words"),
    [
        ("segfault", "crashed", "ended by SIGSEGV"),
        ("hang", "crashed", "longer than 3 s"),
        ("memory", "crashed", "ran out of the memory"),
        ("exit", "crashed", "ended with code 3"),
        ("bug", "failed", "ZeroDivisionError: first line"),
        ("disk", "disk", "No space left"),
    ],
)
def test_a_failure_says_how(outcome: dict[str, object], job: str, kind: str, words: str) -> None:
    failure = outcome[job]
    assert isinstance(failure, Failure)
    assert failure.kind == kind
    assert words in failure.message
    assert "\n" not in failure.message


def test_a_bug_keeps_its_traceback(outcome: dict[str, object]) -> None:
    failure = outcome["bug"]
    assert isinstance(failure, Failure)
    assert "second line" in failure.trace
    assert "in work" in failure.trace


def test_in_process_gives_the_same_answers() -> None:
    found = dict(InProcess().run(work, ["a", "bug"]))
    assert found[0] == "A"
    assert isinstance(found[1], Failure)


def test_no_jobs_start_no_process() -> None:
    assert list(Pool(jobs=4, memory=2**32, timeout=1.0).run(work, [])) == []


def test_an_input_error_in_a_stage_is_a_failure_with_its_words() -> None:
    def refuse(job: str) -> str:
        raise InputError("code", job)

    assert guard(refuse, "text") == Failure(kind="failed", message="InputError: text", trace=_trace(refuse))


def _trace(function: object) -> str:
    made = guard(function, "text")  # type: ignore[arg-type]
    assert isinstance(made, Failure)
    return made.trace


def test_limits_follow_the_machine() -> None:
    assert default_jobs() >= 1
    assert 3 * 2**30 <= default_memory(64) <= default_memory(1) <= 12 * 2**30


def test_unknown_signals_have_words_too() -> None:
    assert describe_exit(-9) == "its process was ended by SIGKILL"
    assert describe_exit(-200) == "its process was ended by signal 200"
    assert describe_exit(None) == "its process ended with code None"
