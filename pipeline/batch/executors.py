"""Who carries a plan out: this process, or a pool of children that may die without harm to others."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pipeline.batch.children import guard
from pipeline.batch.records import Failure
from pipeline.batch.surroundings import enter_child, prepare_process

Job = TypeVar("Job")
Made = TypeVar("Made")


_TICK = 1.0
"""[s]"""


class Executor(Protocol):
    """Runs a function over jobs, each on its own."""

    def run(
        self, function: Callable[[Job], Made], jobs: Sequence[Job], tick: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[int, Made | Failure]]:
        """(position of the job, what came of it), in the order in which they end; `tick` now and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InProcess:
    """One job after the other in this process: for tests and debuggers; nothing is isolated."""

    def run(
        self, function: Callable[[Job], Made], jobs: Sequence[Job], tick: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[int, Made | Failure]]:
        """(position of the job, what came of it), in the order of the jobs; nobody hears a tick meanwhile."""
        for at, job in enumerate(jobs):
            yield at, guard(function, job)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Child processes with limits of memory and time a scene."""

    jobs: int
    memory: int
    """Address space of a child [bytes]."""
    timeout: float
    """Wall time of one job [s]."""

    def run(
        self, function: Callable[[Job], Made], jobs: Sequence[Job], tick: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[int, Made | Failure]]:
        """(position of the job, what came of it), in the order in which they end; `tick` every second or so.

        A job whose child died of a signal is tried once more, in a child of its own: what killed it may have
        been left behind by the scene before it.
        """
        died: list[int] = []
        for at, made in self._round(function, jobs, range(len(jobs)), tick, tasks_a_child=16):
            if isinstance(made, _Died):
                died.append(at)
            else:
                yield at, made
        if died:
            for at, made in self._round(function, jobs, sorted(died), tick, tasks_a_child=1):
                yield at, made.failure if isinstance(made, _Died) else made

    def _round(
        self,
        function: Callable[[Job], Made],
        jobs: Sequence[Job],
        which: Sequence[int],
        tick: Callable[[], None],
        *,
        tasks_a_child: int,
    ) -> Iterator[tuple[int, Made | Failure | _Died]]:
        from pebble import ProcessPool

        if not which:
            return
        pool = ProcessPool(
            max_workers=min(self.jobs, len(which)),
            max_tasks=tasks_a_child,
            initializer=enter_child,
            initargs=(self.memory,),
            context=_context(),
        )
        try:
            futures = {
                pool.schedule(guard, args=(function, jobs[at]), timeout=self.timeout): at for at in which
            }
            while futures:
                done, _ = wait(futures, timeout=_TICK, return_when=FIRST_COMPLETED)
                tick()
                for future in sorted(done, key=lambda f: futures[f]):
                    yield futures.pop(future), self._outcome(future)
        except BaseException:
            pool.stop()
            raise
        else:
            pool.close()
        finally:
            pool.join()

    def _outcome(self, future: Any) -> Any:
        from pebble import ProcessExpired

        try:
            return future.result()
        except TimeoutError:
            return Failure(kind="crashed", message=f"took longer than {self.timeout:g} s")
        except ProcessExpired as error:
            return _Died(failure=Failure(kind="crashed", message=describe_exit(error.exitcode)))
        except Exception as error:  # a result that does not pickle: a bug of ours, but of one scene
            return Failure(kind="failed", message=f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Died:
    """A child that ended without an answer."""

    failure: Failure


def describe_exit(code: int | None) -> str:
    """A sentence on how a child ended."""
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"its process was ended by {name}"
    return f"its process ended with code {code}"


def default_jobs() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_memory(jobs: int) -> int:
    """Address space of one child [bytes]: its share of the machine, from 3 to 12 GiB."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        total = 8 * 2**30
    return int(max(3 * 2**30, min(12 * 2**30, 0.9 * total / jobs)))


def _context() -> Any:
    import multiprocessing

    prepare_process()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipeline.batch.preload"])
    return context
