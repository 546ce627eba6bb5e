"""What a process must be told before science runs in it: threads, GDAL's settings, limits."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_PR_SET_PDEATHSIG = 1


def prepare_process() -> None:
    """Before numpy and rasterio are imported: one thread a process (sums do not move), GDAL shut in."""
    from pipeline.ingest.environment import prepare_environment

    os.environ.update(dict.fromkeys(_THREADS, "1"))
    prepare_environment()


def enter_child(memory: int) -> None:
    """At the start of a child: limits, no core file, no terminal signals, no outliving its parent."""
    import resource

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    if sys.platform == "linux":  # macOS does not hold it
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
