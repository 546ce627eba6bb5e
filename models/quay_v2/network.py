"""Learn the network that marks ships in strips: `python models/quay_v2/network.py FILE.npz [FOLDER]`.

Asks for torch and onnx alone (`[train]`): on a GPU some five minutes, on a CPU a night. FILE is what
`strips.py` wrote. Several teachers learn from each choice of ports; one smaller network learns what they say
on average and is written down in the same folder: `network.onnx` from all ports, `without_<port>.onnx` from
the others, to be judged on that one.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pasting import KNOWN, LAND, LIGHT, SHIP, WET, Ships, Weather
from torch import Tensor, nn
from torch.nn import functional

HERE = Path(__file__).parent
INPUTS = 8
"""Planes that the first layer sees."""
Whole = npt.NDArray[np.int64]


def see(strips: Tensor) -> Tensor:
    """(n, 8, along, across): colour of each band, brightness against the strip's land, land, open water."""
    light, land = torch.log(strips[:, LIGHT].clamp(min=0.004)), strips[:, LAND : LAND + 1]
    grey = light.mean(1, keepdim=True)
    level = (grey * land).sum((2, 3), keepdim=True) / land.sum((2, 3), keepdim=True).clamp(min=1.0)
    return torch.cat([light - grey, grey - level, land, strips[:, WET : WET + 1]], 1)


class Layers(nn.Module):
    """Two convolutions of several networks side by side, each followed by a group norm."""

    def __init__(self, planes: int, out: int, side_by_side: int) -> None:
        super().__init__()
        k = side_by_side
        self.steps = nn.ModuleList(
            nn.ModuleList([nn.Conv2d(a * k, out * k, 3, padding=1, groups=k), nn.GroupNorm(4 * k, out * k)])
            for a in (planes, out)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, network x plane, along, across), the same layout in and out."""
        for convolve, norm in self.steps:  # type: ignore[misc]
            x = functional.relu(norm(convolve(x)))
        return x


class Networks(nn.Module):
    """Several U-Nets side by side (Ronneberger, Fischer, Brox 2015), none of which knows of another."""

    def __init__(self, widths: list[int], side_by_side: int) -> None:
        super().__init__()
        self.count = side_by_side
        ins = [INPUTS, *widths[:-1]]
        self.down = nn.ModuleList(Layers(a, b, side_by_side) for a, b in zip(ins, widths, strict=True))
        ups = list(zip(widths[1:], widths[:-1], strict=True))[::-1]
        self.up = nn.ModuleList(Layers(a + b, b, side_by_side) for a, b in ups)
        self.out = nn.Conv2d(widths[0] * side_by_side, side_by_side, 1, groups=side_by_side)
        self.drop = nn.Dropout2d(0.15)

    def forward(self, x: Tensor) -> Tensor:
        """(n, network x 8, along, across) to (n, network, along, across) logits."""
        kept: list[Tensor] = []
        for depth, layers in enumerate(self.down):
            x = layers(x if depth == 0 else functional.max_pool2d(x, 2))
            kept.append(x)
        x = self.drop(kept.pop())
        for layers in self.up:
            finer = kept.pop()
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            n, _, rows, cols = x.shape
            both = [side.view(n, self.count, -1, rows, cols) for side in (x, finer)]
            x = layers(torch.cat(both, 2).reshape(n, -1, rows, cols))
        return self.out(x)

    def one(self, at: int, widths: list[int]) -> Networks:
        """The network at a place, alone."""
        alone, own = Networks(widths, 1), self.state_dict()
        parts = {
            name: own[name].view(self.count, -1, *own[name].shape[1:])[at] for name in alone.state_dict()
        }
        alone.load_state_dict(parts)
        return alone


class Marker(nn.Module):
    """What is written down: strips (n, 7, along, across) to the share of ship (n, along, across)."""

    def __init__(self, network: Networks) -> None:
        super().__init__()
        self.network = network

    def forward(self, strip: Tensor) -> Tensor:
        """Light, land and water in, probability out."""
        return torch.sigmoid(self.network(see(strip)))[:, 0]


class Lesson:
    """Strips and ships of all ports, and batches drawn from those that each network may see."""

    def __init__(self, file: str, ports: list[str], setting: dict[str, Any], device: str) -> None:
        content = np.load(file)
        strips, origin, light, size, home = [], [], [], [], []
        for at, port in enumerate(ports):
            masks = content[f"{port}_mask"].astype(np.float32) / 255
            strips.append(np.concatenate([content[f"{port}_light"].astype(np.float32), masks], 1))
            light.append(content[f"{port}_ships"].astype(np.float32))
            size.append(content[f"{port}_sizes"])
            origin += [at] * len(strips[-1])
            home += [at] * len(size[-1])
        self.strips = torch.from_numpy(np.concatenate(strips)).to(device)
        self.origin, self._home = np.array(origin), np.array(home)
        lights, sizes = (torch.from_numpy(np.concatenate(x)).to(device) for x in (light, size))
        self._ships = Ships(light=lights, size=sizes)
        self._with = ((self.strips[:, SHIP] > 0.5).float().mean((1, 2)) > 0.01).cpu().numpy()
        self.setting, self._device = setting, device
        self._numbers = np.random.default_rng(setting["seed"])
        shape = (int(self.strips.shape[2]), int(self.strips.shape[3]))
        self._weather = Weather(shape, device, setting["seed"])

    def draw(self, sets: list[tuple[int, ...]]) -> tuple[Tensor, Tensor, Tensor]:
        """A batch a set of ports: what is seen (n, set x 8, ...), ships and their weight (n, set, ...)."""
        batch = self.setting["batch"]
        drawn = [self._choose(ports) for ports in sets]
        which = torch.from_numpy(np.concatenate([one[0] for one in drawn])).to(self._device)
        before = torch.from_numpy(np.concatenate([one[1] for one in drawn])).to(self._device)
        with torch.no_grad():
            strips = self.strips[which]
            chosen = torch.nonzero(before >= -1)[:, 0]
            strips[chosen] = self._weather.set_before(strips[chosen], self._ships, before[chosen])
            strips = self._weather.vary(strips)
            seen, ship = see(strips), strips[:, SHIP]
            matters = (strips[:, LAND] > 0.3) | (ship > 0.1) | (strips[:, WET] < 0.5)
            weight = strips[:, KNOWN] * (matters.float() + 0.1)

            def by_set(planes: Tensor) -> Tensor:
                parts = planes.view(len(sets), batch, -1, *planes.shape[-2:]).transpose(0, 1)
                return parts.reshape(batch, -1, *planes.shape[-2:])

            return by_set(seen), by_set(ship), by_set(weight)

    def _choose(self, ports: tuple[int, ...]) -> tuple[Whole, Whole]:
        """(strips, what is set before them: a ship, -1 land, -2 nothing); half show a ship already."""
        numbers, batch = self._numbers, self.setting["batch"]
        half = batch // 2
        own = np.isin(self.origin, ports)
        shown = numbers.choice(np.flatnonzero(own & self._with), half)
        port = numbers.choice(ports, batch - half)
        others = [numbers.choice(np.flatnonzero(self.origin == p)) for p in port]
        likely = self.setting["set_before"] * np.where(np.arange(batch) < half, 0.3, 1.0)
        ships = numbers.choice(np.flatnonzero(np.isin(self._home, ports)), batch)
        before = np.where(numbers.random(batch) < self.setting["land_among_them"], -1, ships)
        before = np.where(numbers.random(batch) < likely, before, -2)
        return np.concatenate([shown, others]), before


def learn(networks: Networks, lesson: Lesson, sets: list[tuple[int, ...]], steps: int, teachers: Any) -> None:
    """Train in place; where there are teachers their word is the target beside the drawn ships."""
    rate, decay = lesson.setting["rate"], lesson.setting["decay"]
    optimizer = torch.optim.AdamW(networks.parameters(), lr=rate, weight_decay=decay)
    mean = {name: value.detach().clone() for name, value in networks.state_dict().items()}
    warm = steps // 20
    for step in range(steps):
        share = (step - warm) / (steps - warm)
        now = rate * (step + 1) / warm if step < warm else rate * 0.5 * (1.002 + np.cos(np.pi * share))
        for group in optimizer.param_groups:
            group["lr"] = now
        seen, ship, weight = lesson.draw(sets)
        networks.train()
        told = networks(seen)
        loss = _loss(told, ship, weight)
        if teachers is not None:
            with torch.no_grad():
                taught = teachers(seen)
            own = functional.binary_cross_entropy_with_logits(told, taught, reduction="none")
            loss = 0.3 * loss + (own * weight).sum((0, 2, 3)) / weight.sum((0, 2, 3))
        optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()
        optimizer.step()
        with torch.no_grad():
            slow = min(0.996, step / (step + 10))
            for name, value in networks.state_dict().items():
                mean[name].lerp_(value, 1 - slow)
        if step % 500 == 0:
            print(f"step {step} of {steps}: loss {loss.mean().item():.3f}", flush=True)
    networks.load_state_dict(mean)
    networks.eval()


def _loss(told: Tensor, ship: Tensor, weight: Tensor) -> Tensor:
    """(network,): cross entropy and a third of the Dice loss."""
    entropy = functional.binary_cross_entropy_with_logits(told, ship.clamp(0, 1), reduction="none")
    chance = torch.sigmoid(told)
    both, either = (x.mul(weight).sum((0, 2, 3)) for x in (chance * ship, chance + ship))
    mean = (entropy * weight).sum((0, 2, 3)) / weight.sum((0, 2, 3))
    return mean + 0.3 * (1 - (2 * both + 1) / (either + 1))


def average_precision(told: Tensor, strips: Tensor) -> float:
    """Over cells of land of strips that were not learned from."""
    asked = (strips[:, KNOWN] > 0.5) & (strips[:, LAND] > 0.3)
    right = (strips[:, SHIP][asked] > 0.5).float()[torch.argsort(-told[asked])]
    precision = torch.cumsum(right, 0) / torch.arange(1, len(right) + 1, device=right.device)
    return float((precision * right).sum() / right.sum())


def main() -> None:
    """Teachers, then the networks that are written down."""
    document = tomllib.loads((HERE / "train.toml").read_text())
    setting, ports = document["network"], list(document["unlabelled"])
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else HERE
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(setting["seed"])
    torch.backends.cudnn.benchmark = True
    lesson = Lesson(sys.argv[1], ports, setting, device)
    everywhere = tuple(range(len(ports)))
    sets = [everywhere, *(tuple(p for p in everywhere if p != left) for left in everywhere)]
    members = setting["teachers"]
    several = [ports_ for ports_ in sets for _ in range(members)]
    teachers = Networks(setting["teacher_widths"], len(several)).to(device)
    learn(teachers, lesson, several, setting["teacher_steps"], None)
    torch.save(teachers.state_dict(), folder / "teachers.pt")

    def teach(seen: Tensor) -> Tensor:
        n, _, rows, cols = seen.shape
        each = seen.view(n, len(sets), INPUTS, rows, cols).repeat_interleave(members, 1)
        told = torch.sigmoid(teachers(each.reshape(n, -1, rows, cols)))
        return told.view(n, len(sets), members, rows, cols).mean(2)

    pupils = Networks(setting["widths"], len(sets)).to(device)
    learn(pupils, lesson, sets, setting["steps"], teach)
    for left, port in enumerate(ports):
        strips = lesson.strips[torch.from_numpy(np.flatnonzero(lesson.origin == left)).to(device)]
        told = []
        with torch.no_grad():
            for some in strips.split(32):
                seen = see(some).repeat(1, len(sets), 1, 1)
                told.append(torch.stack([teach(seen)[:, left + 1], pupils(seen)[:, left + 1]]))
        both = torch.cat(told, 1)
        figures = [average_precision(one, strips) for one in both]
        print(f"{port} left out: precision {figures[0]:.3f} (teachers), {figures[1]:.3f}")
    example = torch.rand(2, 7, *lesson.strips.shape[2:])
    for at, name in enumerate(["network", *(f"without_{port}" for port in ports)]):
        marker = Marker(pupils.cpu().one(at, setting["widths"]).eval()).eval()
        torch.onnx.export(
            marker,
            (example,),
            str(folder / f"{name}.onnx"),
            input_names=["strip"],
            output_names=["ship"],
            dynamic_axes={"strip": {0: "n"}, "ship": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )


if __name__ == "__main__":
    main()
