"""A scene's pieces, one after the other: no more pixels in memory than one of them has."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from pipeline.config import Config
from pipeline.datatypes import CloudMask, Scene, Site
from pipeline.errors import InputError
from pipeline.look import Look, look_at, pieces_of, tiles_of
from pipeline.pieces import LEFT_OUT
from pipeline.tiles import Whole

Made = TypeVar("Made")


class Looks:
    """The pieces of one scene by their number; the one last looked at is kept, with the clouds of all.

    Of a scene in tiles, which have no pictures of their own, the `whole` is put together as `each` passes.
    """

    def __init__(self, scene: Scene, site: Site, config: Config, *, clouds: Path | None = None) -> None:
        self.scene = scene
        self.tiles = tiles_of(scene, site, config)
        self.areas = tuple(tile.area for tile in self.tiles) or pieces_of(scene, site, config)
        self.whole = Whole(scene) if self.tiles else None
        self._site, self._config, self._clouds = site, config, clouds
        self._last: tuple[int, Look] | None = None
        self._masks: dict[int, CloudMask] = {}

    def at(self, number: int) -> Look:
        """One piece.

        Raises
        ------
        InputError
            Its pixels cannot be read.
        """
        if self._last is not None and self._last[0] == number:
            return self._last[1]
        self._last = None  # gives its memory back before the next is read
        clouds = self._masks.get(number) or load_clouds(self._clouds, number)
        look = look_at(self.scene, self._site, self._config, area=self.areas[number], clouds=clouds)
        if self.tiles:
            look = replace(look, own=self.tiles[number].own)
        self._last = (number, look)
        if len(self.areas) > 1 and not self.tiles:
            self._masks[number] = look.clouds
        return look

    def each(
        self, do: Callable[[int, Look], Made], tell: Callable[[int, int], None] = lambda done, total: None
    ) -> dict[int, Made]:
        """What `do` makes of every piece that can be read, by its number; `tell` hears how many are done.

        Raises
        ------
        InputError
            The files are damaged, or there is no piece that can be read.
        """
        made: dict[int, Made] = {}
        refused: list[InputError] = []
        for number in range(len(self.areas)):
            tell(number, len(self.areas))
            try:
                self.at(number)
            except InputError as error:
                if error.code not in LEFT_OUT:
                    raise
                refused.append(error.with_traceback(None))  # which would keep the pixels it met
            else:
                if self.whole is not None:  # no name for the look: it would live on while the next is read
                    self.whole.add(self.at(number).chip, self.at(number).clouds, self.tiles[number])
                made[number] = do(number, self.at(number))
        if not made:
            raise refused[0]
        return made


def clouds_path(work: Path, content: str) -> Path:
    """The folder where the first look leaves the cloud masks of a scene's pieces for the second."""
    return work / f"{content}.clouds"


def save_clouds(folder: Path, number: int, clouds: CloudMask) -> None:
    """Leave the cloud mask of one piece."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{number}.{os.getpid()}.part"  # two deliveries of one scene may meet here
    with part.open("wb") as file:
        np.savez_compressed(
            file,
            cloudy=np.packbits(clouds.cloudy),
            shadowed=np.packbits(clouds.shadowed),
            shape=np.array(clouds.cloudy.shape),
            method=np.array(clouds.method),
        )
    part.replace(folder / f"{number}.npz")


def load_clouds(folder: Path | None, number: int) -> CloudMask | None:
    """The cloud mask of one piece, where it was left."""
    path = None if folder is None else folder / f"{number}.npz"
    if path is None or not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as saved:
        rows, cols = (int(n) for n in saved["shape"])
        planes = [
            np.unpackbits(saved[name], count=rows * cols).reshape(rows, cols).astype(bool)
            for name in ("cloudy", "shadowed")
        ]
        return CloudMask(cloudy=planes[0], shadowed=planes[1], method=str(saved["method"]))
