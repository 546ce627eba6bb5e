"""One ship over several calls: what her other calls say of her deck edge, her depth and her load line.

A call alone takes the ship's constants, how far her deck edge stands off, whether a bulwark stands on it, her
depth and her summer draught, from the register and from rules. Several calls share them, and two things speak
about them:

- in ballast her draught follows the formulations, a ship's own habit apart;
- laden she may not float deeper than her load line, so that her deepest departure bounds it.

Each draw of the ship weighs what the curves of her *other* calls say of it. A call's own curve comes in
later, with the table, and so counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from pipeline.bulwarks import LOWER, LOWEST, bulwark_evidence, without_bulwark
from pipeline.config import Config, LoadConfig
from pipeline.datatypes import Flag, Identity, Ship
from pipeline.load.mixture import (
    BALLAST_SIGMA,
    TRIM_SIGMA,
    Draws,
    deadweight,
    draw_ships,
    list_candidates,
    loaded_cargo,
    pick_draws,
    weigh_freeboards,
)
from pipeline.load.particulars import Deviates, draw_deviates
from pipeline.load.table import Setting, moments, tabulate_cargo, thin_curve
from pipeline.products import DetectionResult, SceneResult
from pipeline.readings import CargoTable, Freeboard

Array = npt.NDArray[np.float64]

SURE = 0.8
"""Probability from which looks are put down to one ship of the register [1]."""
HABIT_SIGMA = 0.30
"""Of the 0.35 m by which ships in ballast scatter about the formulations, what is a ship's own and stays
from call to call: the survey behind them is one draught for each of 26 tankers [m]."""
LEAST_SHARE = 0.02
"""Of the draws that must be left after other calls have been weighed; fewer, and the looks contradict each
other [1]."""
AGAINST, IMPOSSIBLE = -5.0, -20.0
"""Log odds of one hull against as many hulls as calls, and log evidence of a call, below which looks under
one name are not put together."""
USUAL_FILL = (0.92, 0.06)
"""Mean and spread, between ships, of the mean fill of a ship's laden departures [1]."""
CURVE_POINTS = 40
"""Of a likelihood, here where only its place against others counts."""
SPREAD_NODES = 16
"""At which what is left of the ship's own error is found."""
MOST = 20.0
"""The most that other calls may say for a bulwark or against one [nats]."""
SAME_LOOK = 0.6
"""First and last look of a call closer than this show one state and count once [m]."""
LADEN, BALLAST = 0.1, 0.9
"""Probability of ballast below which a ship is laden, above which she is in ballast [1]."""
OF_SHIP = ("length", "beam", "deadweight", "load-line", "block", "waterplane", "deck-edge")
"""Terms of the budget that belong to the ship and not to the call."""
OF_CALL = ("trim", "consumables", "residual", "water")
"""Deviates that each call draws anew; here they are at their centres, and their spread is part of that of a
call's fill and draught in ballast."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Look:
    """A measured ship of known name in one scene."""

    time: datetime
    scene_id: str
    ship: DetectionResult

    @property
    def key(self) -> tuple[str, str]:
        return self.scene_id, self.ship.id


def calibrate_loads(
    results: Sequence[SceneResult], fleet: Sequence[Ship], *, water_density: float | None, config: Config
) -> tuple[list[SceneResult], tuple[Flag, ...]]:
    """The results with the cargo tables of ships that called more than once made anew.

    Parameters
    ----------
    results
        Of one site, in any order.
    fleet
        The register [t, m].
    water_density
        At the berth [kg/m3]; None = not known.
    config
        Of loads and of visits.

    Returns
    -------
    tuple
        (results, flags): only `load.table` changes, and only where the first identity holds with at least
        `SURE` and the ship was measured in another call too. Each flag names such a ship.
    """
    tables: dict[tuple[str, str], CargoTable] = {}
    flags = []
    for (name, _), looks in _by_ship(results).items():
        calls = _split_calls(looks, timedelta(days=config.visits.max_stay_days))
        if len(calls) < 2:
            continue
        made, left = _calibrate_ship(calls, fleet, water_density=water_density, config=config.load)
        if not made:
            continue
        tables |= made
        message = f"{name}: deck edge and load line read from {len(calls)} calls, their part of the error "
        flags.append(
            Flag(code="calibrated", message=f"{message}down to {left:.0%} of what a single call leaves")
        )
    return [_with_tables(result, tables) for result in results], tuple(flags)


def _by_ship(results: Sequence[SceneResult]) -> dict[tuple[str, int], list[_Look]]:
    """Measured looks at each ship that is sure, in the order of time; ships by name and number."""
    found: dict[tuple[str, int], list[_Look]] = {}
    for result in results:
        for ship in result.detections if result.datetime is not None else ():
            first = ship.identity[0] if ship.identity else None
            measured = ship.freeboard is not None and ship.load is not None and ship.load.table is not None
            if measured and first is not None and first.name is not None and first.probability >= SURE:
                assert result.datetime is not None
                look = _Look(time=result.datetime, scene_id=result.scene_id, ship=ship)
                found.setdefault((first.name, first.imo or 0), []).append(look)
    return {name: sorted(found[name], key=lambda k: (k.time, k.key)) for name in sorted(found)}


def _split_calls(looks: Iterable[_Look], longest: timedelta) -> list[list[_Look]]:
    """A new call where the last look is too long ago, or where a laden ship turns up in ballast."""
    calls: list[list[_Look]] = []
    for look in looks:
        last = calls[-1][-1] if calls else None
        if last is None or look.time - last.time > longest or (_is_laden(last) and _is_light(look)):
            calls.append([])
        calls[-1].append(look)
    return calls


def _curve_of(look: _Look) -> Freeboard:
    assert look.ship.freeboard is not None
    return look.ship.freeboard


def _is_laden(look: _Look) -> bool:
    load = look.ship.load
    return load is not None and load.ballast_probability < LADEN and load.fraction > 0.6


def _is_light(look: _Look) -> bool:
    return look.ship.load is not None and look.ship.load.ballast_probability > BALLAST


def _telling(call: Sequence[_Look]) -> list[_Look]:
    """The first and the last look; the tighter one of them where both show one state."""
    first, last = call[0], call[-1]
    if abs(_curve_of(first).value - _curve_of(last).value) >= SAME_LOOK:
        return [first, last]
    return [first if _curve_of(first).sigma <= _curve_of(last).sigma else last]


def _calibrate_ship(
    calls: Sequence[Sequence[_Look]],
    fleet: Sequence[Ship],
    *,
    water_density: float | None,
    config: LoadConfig,
) -> tuple[dict[tuple[str, str], CargoTable], float]:
    """(table of each look, mean share of the ship's own error that is left); no tables where looks clash."""
    looks = [look for call in calls for look in call]
    best = min(looks, key=lambda k: (k.ship.length_sigma, k.key)).ship
    candidates = list_candidates(_mean_identity([k.ship.identity for k in looks]), fleet)
    setting = Setting(candidates=candidates, detection=best, water_density=water_density, config=config)
    z = draw_deviates(config.draws, config.seed)
    share = max(_curve_of(look).bulwark_share for look in looks)
    ship = _Ship(setting=setting, draws=_draw(setting, z), still=_still(setting, z), share=share)
    evidence = np.array([sum(ship.weigh(look) for look in _telling(call)) for call in calls])
    tables: dict[tuple[str, str], CargoTable] = {}
    left: list[float] = []
    table: CargoTable | None = None
    if ship.clashes(evidence):
        return tables, 1.0
    for i, call in enumerate(calls):
        others = np.delete(evidence, i, axis=0).sum(axis=0)
        weight = ship.update(ship.either(others))
        if weight.sum() ** 2 < LEAST_SHARE * len(weight) * (weight**2).sum():
            continue
        table = tabulate_cargo(_resample(ship.draws, weight), setting, z, known=table)
        shares = ship.left(weight, table)
        terms = tuple(
            (name, tuple(np.multiply(sigma, shares).tolist()) if name in OF_SHIP else sigma)
            for name, sigma in table.terms
        )
        made = replace(table, terms=terms, bulwark_evidence=ship.for_bulwark(others))
        tables |= dict.fromkeys((look.key for look in call), made)
        left.append(float(shares.mean()))
    return tables, float(np.mean(left)) if left else 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ship:
    """Draws of one ship, the rest of her identity behind them, and what calls say of each."""

    setting: Setting
    draws: Draws
    still: Draws
    """The same with what is a call's own at its centre."""
    share: float
    """Of ships of her length that have a bulwark along the side [1]."""

    @property
    def sure(self) -> npt.NDArray[np.bool_]:
        """(draws,) True for draws of the ship herself."""
        return np.asarray(self.draws.candidate == 0)

    def weigh(self, look: _Look) -> Array:
        """(2, draws) logarithm of how well a look's curve goes with each draw, loaded or in ballast.

        Without a bulwark and with one, whose top then was read; what its own strip of shade says is in it.
        """
        measured = _curve_of(look)
        read = without_bulwark(measured.curve, measured.bulwark)
        curve = replace(measured.curve, log_likelihood=tuple(read.tolist()))
        freeboards, likelihood = thin_curve(curve, CURVE_POINTS)
        plain = self._log_evidence(freeboards, likelihood)
        if self.share <= 0.0:
            return np.stack([plain, np.full_like(plain, -np.inf)])
        deck = freeboards - float(np.mean(LOWER))
        walled = self._log_evidence(deck, np.where(deck < LOWEST, 0.0, likelihood))
        return np.stack([plain, walled + bulwark_evidence([measured])])

    def _log_evidence(self, freeboards: Array, likelihood: Array) -> Array:
        config = self.setting.config
        usual = USUAL_FILL[0] + USUAL_FILL[1] * _own(config.seed, 2, len(self.still.weight))
        _, _, loaded, ballast = weigh_freeboards(self.still, freeboards, config=config, usual=usual)
        return np.asarray(np.log(np.maximum((loaded + ballast) @ likelihood, 1e-30)))

    def either(self, evidence: Array) -> Array:
        """(draws,) log evidence, whether a bulwark stands there or not."""
        plain, walled = evidence
        if self.share <= 0.0:
            return np.asarray(plain)
        return np.asarray(np.logaddexp(np.log1p(-self.share) + plain, np.log(self.share) + walled))

    def for_bulwark(self, evidence: Array) -> float:
        """What (2, draws) log evidence says for a bulwark [nats]."""
        if self.share <= 0.0:
            return 0.0
        plain, walled = (self._mean(row) for row in evidence)
        return float(np.clip(walled - plain, -MOST, MOST))

    def _mean(self, log_evidence: Array) -> float:
        """Logarithm of the mean over the draws of the ship herself."""
        prior, sure = self.draws.weight[:, 0], self.sure
        top = float(log_evidence[sure].max())
        return top + float(np.log(np.average(np.exp(log_evidence[sure] - top), weights=prior[sure])))

    def clashes(self, evidence: Array) -> bool:
        """Whether (calls, 2, draws) log evidence speaks against one hull behind all, or is nil for a call."""
        alone = [self._mean(self.either(call)) for call in evidence]
        together = self._mean(self.either(evidence.sum(axis=0)))
        return min(alone) < IMPOSSIBLE or together - sum(alone) < AGAINST

    def update(self, log_evidence: Array) -> Array:
        """(draws,) weights; between the ship and her rivals nothing moves."""
        prior, sure = self.draws.weight[:, 0], self.sure
        weight = prior * np.exp(log_evidence - log_evidence[sure].max())
        return np.asarray(np.where(sure, weight * prior[sure].sum() / weight[sure].sum(), prior))

    def left(self, weight: Array, table: CargoTable) -> Array:
        """(nodes,) spread of the cargo by what is the ship's own, after the update over before.

        It changes slowly with the freeboard, so that a few nodes say it.
        """
        sure = self.sure
        nodes = table.start + table.step * np.arange(len(table.cargo), dtype=np.float64)
        some = nodes[np.unique(np.linspace(0, len(nodes) - 1, SPREAD_NODES).astype(int))]
        cargo = loaded_cargo(self.still, deadweight(self.still, some[None, :]))[sure]
        before, after = (moments(cargo, w[sure][:, None])[1] for w in (self.draws.weight[:, 0], weight))
        return np.interp(nodes, some, after / np.maximum(before, 1e-9))


def _draw(setting: Setting, z: Deviates) -> Draws:
    """The draws of a setting."""
    return draw_ships(
        setting.candidates,
        setting.detection,
        z,
        water_density=setting.water_density,
        config=setting.config,
    )


def _still(setting: Setting, z: Deviates) -> Draws:
    """The draws with what is a call's own at its centre, each with her own habit in ballast."""
    draws = _draw(setting, z | {name: np.zeros_like(z[name]) for name in OF_CALL})
    habit = HABIT_SIGMA * _own(setting.config.seed, 1, len(draws.weight))
    spread = float(np.sqrt(BALLAST_SIGMA**2 - HABIT_SIGMA**2 + TRIM_SIGMA**2))
    return replace(draws, habit=habit, ballast_sigma=spread)


def _own(seed: int, number: int, count: int) -> Array:
    """(count, 1) standard normals, unrelated to the other deviates."""
    return np.random.default_rng([seed, number]).standard_normal((count, 1))


def _mean_identity(ranked: Sequence[Sequence[Identity]]) -> tuple[Identity, ...]:
    """The mean over looks: looks at one hull err alike, so that many do not make her surer."""
    total: dict[tuple[int | None, str | None], float] = {}
    for identity in ranked:
        for entry in identity:
            key = entry.imo, entry.name
            total[key] = total.get(key, 0.0) + entry.probability / len(ranked)
    return tuple(Identity(imo=imo, name=name, probability=p) for (imo, name), p in total.items())


def _resample(draws: Draws, weight: Array) -> Draws:
    """As many equally likely draws, each as often as its weight asks."""
    cumulative = np.cumsum(weight)
    count = len(weight)
    pick = np.searchsorted(cumulative, (np.arange(count) + 0.5) / count * cumulative[-1])
    return replace(pick_draws(draws, pick), weight=np.ones((count, 1)))


def _with_tables(result: SceneResult, tables: Mapping[tuple[str, str], CargoTable]) -> SceneResult:
    detections = tuple(
        replace(ship, load=replace(ship.load, table=table))
        if ship.load is not None and (table := tables.get((result.scene_id, ship.id))) is not None
        else ship
        for ship in result.detections
    )
    return result if detections == result.detections else replace(result, detections=detections)
