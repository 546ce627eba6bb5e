"""Strips as they might have been: ships and pieces of land set before other quays, other airs and waters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

STEP, FIRST_ALONG, FIRST_ACROSS = 5.0, -320.0, -40.0
"""Of a strip's frame [m]; across counts inland of the waterfront."""
LIGHT, LAND, WET, SHIP, KNOWN = slice(0, 5), 5, 6, 7, 8
"""Planes of a strip."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ships:
    """Cut-outs of ships in their own frames."""

    light: Tensor
    """(ship, band, ahead, aside), cells of `STEP`, the ship's middle in the middle."""
    size: Tensor
    """(ship, 2) length and beam [m]"""


class Weather:
    """Draws strips anew; every random number comes from one generator of the device."""

    def __init__(self, shape: tuple[int, int], device: str, seed: int) -> None:
        self._device = device
        self._random = torch.Generator(device).manual_seed(seed)
        self._along = FIRST_ALONG + STEP * torch.arange(shape[0], device=device)[:, None]
        self._across = FIRST_ACROSS + STEP * torch.arange(shape[1], device=device)[None]

    def _normal(self, *size: int) -> Tensor:
        return torch.randn(*size, device=self._device, generator=self._random)

    def _uniform(self, *size: int) -> Tensor:
        return torch.rand(*size, device=self._device, generator=self._random)

    def _factor(self, spread: float, *size: int) -> Tensor:
        return torch.exp(spread * self._normal(*size))

    def _sample(self, planes: Tensor, along: Tensor, across: Tensor, first: tuple[float, float]) -> Tensor:
        """Planes (n, p, ., .) at places (n, along, across) [m]; the rim goes on beyond the edge."""
        size = torch.tensor([planes.shape[3], planes.shape[2]], device=self._device)
        places = torch.broadcast_tensors((across - first[1]) / STEP, (along - first[0]) / STEP)
        cell = torch.stack(places, -1)
        place = 2 * (cell + 0.5) / size - 1
        return functional.grid_sample(planes, place, align_corners=False, padding_mode="border")

    def _strips(self, strips: Tensor, along: Tensor, across: Tensor) -> Tensor:
        return self._sample(strips, along, across, (FIRST_ALONG, FIRST_ACROSS))

    def set_before(self, strips: Tensor, ships: Ships, which: Tensor) -> Tensor:
        """Strips (n, 9, along, across) with something before the quay: a ship, or land where `which` < 0.

        Pieces of land are set in the same way as ships, so that no trace of the cutting tells one.
        """
        n, land = len(strips), (which < 0)[:, None, None]
        which = which.clamp(min=0)
        own = ships.size[which][:, :, None, None]
        anew = 60 + 220 * self._uniform(n, 1, 1)
        length = torch.where(land, anew, own[:, 0] * self._factor(0.2, n, 1, 1)).clamp(50, 400)
        broad = torch.where(
            land, anew / (4 + 4 * self._uniform(n, 1, 1)), own[:, 1] * self._factor(0.12, n, 1, 1)
        )
        beam = broad.clamp(9, 60)
        gap = 6 * self._uniform(n, 1, 1) * (self._uniform(n, 1, 1) < 0.5)
        along, across = self._along.expand(n, -1, -1), self._across.expand(n, -1, -1)
        behind = self._strips(strips, along, across - beam - gap)
        ahead = along - 420 * (self._uniform(n, 1, 1) - 0.5)
        bow = torch.where(self._uniform(n, 1, 1) < 0.5, 1.0, -1.0)
        share = self._hull(ahead * bow, across - beam / 2, (length, beam), ~land)
        flip = torch.where(self._uniform(n, 1, 1) < 0.5, 1.0, -1.0)
        first = tuple(-STEP * (side - 1) / 2 for side in ships.light.shape[2:])
        light = self._sample(
            ships.light[which],
            ahead * bow * own[:, 0] / length,
            (across - beam / 2) * flip * own[:, 1] / beam,
            (first[0], first[1]),
        ) * self._factor(0.25, n, 1, 1, 1) * self._factor(0.08, n, 5, 1, 1)  # fmt: skip
        inland = 20 + 25 * self._uniform(n, 1, 1)
        skewed = along + 40 * self._normal(n, 1, 1) + 0.3 * self._normal(n, 1, 1) * across
        piece = self._strips(strips.roll(1, 0), skewed, across + inland)
        spoilt = land & ((piece[:, SHIP] * share).sum((1, 2)) > 0.05 * share.sum((1, 2)))[:, None, None]
        light = torch.where(land[:, None], piece[:, LIGHT] * self._factor(0.1, n, 1, 1, 1), light)
        ship = behind[:, SHIP] * (1 - share)
        known = torch.maximum(behind[:, KNOWN], (share > 0.2).float()) * ~(spoilt & (share > 0.1))
        planes = [
            behind[:, LAND] * (1 - share) + share,
            behind[:, WET] * (1 - share),
            torch.where(land, ship, torch.maximum(ship, share)),
            known,
        ]
        before = behind[:, LIGHT] * (1 - share[:, None]) + light * share[:, None]
        return torch.cat([before, torch.stack(planes, 1)], 1)

    def _hull(self, ahead: Tensor, aside: Tensor, size: tuple[Tensor, Tensor], pointed: Tensor) -> Tensor:
        """(n, along, across): how much of a cell is hull [1], seen as sharply as the image is."""
        length, beam = size
        blur = (3.0 + 2.5 * self._uniform(len(ahead), 1, 1)) / 1.7
        taper = torch.relu(((ahead / length + 0.5).clamp(0, 1) - 0.85) / 0.15) ** 2
        half = beam / 2 * (1 - 0.9 * taper * pointed)
        return torch.sigmoid((half - aside.abs()) / blur) * torch.sigmoid((length / 2 - ahead.abs()) / blur)

    def vary(self, strips: Tensor) -> Tensor:
        """The strips shifted, stretched and turned a little, under another air, light and water."""
        n = len(strips)
        strips = torch.where(self._uniform(n, 1, 1, 1) < 0.5, strips.flip(2), strips)
        along = self._along * self._factor(0.18, n, 1, 1) + 100 * (2 * self._uniform(n, 1, 1) - 1)
        along = along + 0.08 * self._normal(n, 1, 1) * self._across
        across = self._across * self._factor(0.10, n, 1, 1) + 8 * self._normal(n, 1, 1).clamp(-2, 2)
        along = along.expand(n, *strips.shape[2:])
        held = (along.abs() <= -FIRST_ALONG) & (across >= FIRST_ACROSS) & (across <= self._across.max())
        strips = self._strips(strips, along, across.expand_as(along))
        light, wet = strips[:, LIGHT], strips[:, WET : WET + 1]
        light = light * self._factor(0.25, n, 1, 1, 1) * self._factor(0.10, n, 5, 1, 1)
        light = light + (0.004 * self._normal(n, 5, 1, 1)).abs() * (self._uniform(n, 1, 1, 1) < 0.5)
        light = light + self._turbid(light, wet)
        light = light + 0.006 * self._uniform(n, 1, 1, 1) * self._normal(*light.shape)
        dark = torch.log(light.clamp(min=0.004))
        mean = dark.mean((2, 3), keepdim=True)
        light = torch.exp((dark - mean) * self._factor(0.12, n, 1, 1, 1) + mean)
        soft = functional.avg_pool2d(functional.pad(light, (1, 1, 1, 1), mode="replicate"), 3, 1)
        light = torch.where(self._uniform(n, 1, 1, 1) < 0.2, 0.5 * (light + soft), light)
        known = strips[:, KNOWN : KNOWN + 1] * held[:, None]
        return torch.cat([light, strips[:, LAND:KNOWN], known], 1)

    def _turbid(self, light: Tensor, wet: Tensor) -> Tensor:
        """What muddy water adds, on half of the strips."""
        n = len(light)
        tint = torch.tensor([0.6, 1.0, 1.0, 0.45, 0.05], device=self._device).view(1, 5, 1, 1)
        much = 0.06 * self._uniform(n, 1, 1, 1) * (self._uniform(n, 1, 1, 1) < 0.5)
        lifted = light[:, 3:5].amax(1, keepdim=True) / 0.04
        near = functional.max_pool2d(wet, 3, 1, 1)
        return (1 - lifted).clamp(0, 1) * near * much * tint * self._factor(0.3, n, 5, 1, 1)
