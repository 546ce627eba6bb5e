"""`python -m pipeline.plan FILE.png`: the map of the refusal rule, as the docs show it."""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.config import FreeboardConfig
from pipeline.plan.pictures import picture_refusal
from pipeline.plan.refusal import map_refusal
from pipeline.store import write_png


def main() -> None:
    """Reckon the map (half a minute) and write it."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m pipeline.plan FILE.png")
    write_png(Path(sys.argv[1]), picture_refusal(map_refusal(), FreeboardConfig()))


if __name__ == "__main__":
    main()
