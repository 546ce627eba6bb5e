"""`python -m pipeline.simulate season|chips`: write simulated scenes."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click


@click.group(help="Simulated scenes of known truth, path-traced.")
def main() -> None:
    """Entry point."""


@main.command(help="The sample season: scenes, site, register and truth.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("sample_scenes"), show_default=True)
@click.option("--only", default="", help="Scenes whose id holds this text.")
def season(out: Path, only: str) -> None:
    """Write the sample season."""
    from pipeline.simulate.season import PLAN, write_frame, write_scene

    write_frame(out)
    for plan in PLAN:
        if only not in plan.scene_id:
            continue
        start = time.monotonic()
        write_scene(plan, out)
        print(f"{plan.scene_id}  {time.monotonic() - start:.0f} s", file=sys.stderr)


@main.command(help="Chips of single ships as COG, STAC item and truth.")
@click.option("--count", default=10, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--gsd", default=0.5, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
def chips(count: int, seed: int, gsd: float, out: Path) -> None:
    """Write chips."""
    from pipeline.simulate.chipfiles import write_chip
    from pipeline.simulate.chips import simulate_chips
    from pipeline.simulate.world import SITUATIONS

    for number, chip in enumerate(simulate_chips(count, seed=seed, gsd=gsd, situations=SITUATIONS)):
        write_chip(chip, out / f"chip-{seed}-{number:05d}")


if __name__ == "__main__":
    main()
