"""The cross-hull profile as a linear model of levels and structure, given the edges.

One side of the hull at a time, in an outward coordinate v = side * u, with the shifts per metre of height
S = side * S and V = side * V. From the deck edge at e = B/2 - F V outwards there are

    side strip   e .. e + F alpha         alpha = max(V, 0): seen where the satellite stands on this side
    shadow       e + F alpha .. e + F beta    beta = max(V - S, alpha) where the sun stands on the other side
    water        beyond

so that all four cases of sun and satellite are one. Blur is Gaussian; the tip of the shadow is blurred
further by the sun's disc and drawn out by light that enters the water.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.constants import SUN_RADIUS, WATER_REFRACTIVE_INDEX
from pipeline.datatypes import ViewGeometry
from pipeline.geometry import shift_per_metre

Array = npt.NDArray[np.float64]
DECK, SIDE, SHADOW, WATER = range(4)
WATER_LEVEL = 4
"""Of the levels that are fitted, in the order of `design`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideShifts:
    """What happens on one side of the hull per metre of height, outwards positive."""

    side: int
    """+1 starboard, -1 port."""
    alpha: float
    """Width of the side strip per metre of freeboard [1]."""
    beta: float
    """From the deck edge to the shadow's tip per metre of freeboard; alpha where no shadow is seen [1]."""
    sun: float
    """Sunlight on this side against that on a horizontal plane, 0 in the shade [1]."""
    shade: float
    """Length of the shadow per metre of height, cast on this side; 0 on a lit side [1]."""
    tail: float
    """Length of the tip's tail per metre of effective depth of the water's light [1]."""
    penumbra: float
    """Standard deviation of the sun's disc at the tip, per metre of freeboard [1]."""
    sky: float = 0.0
    """Skylight on open water against sunlight, where the hull shades water that is seen [1]."""

    @property
    def lit(self) -> bool:
        """The sun shines on this side."""
        return self.sun > 0.0

    @property
    def reach(self) -> float:
        """Furthest edge per metre of freeboard [1]."""
        return max(self.alpha, self.beta)


def side_shifts(view: ViewGeometry, heading: float, side: int) -> SideShifts:
    """The shifts of one side (physics: V = tan(theta) sin(Av - psi), S = cot(eps) sin(As - psi))."""
    S, V = (side * s for s in shift_per_metre(view, heading))
    alpha = max(V, 0.0)
    shaded = S < 0.0
    beta = max(V - S, alpha) if shaded else alpha
    elevation = np.radians(view.sun_elevation)
    below_sun = np.tan(np.arcsin(np.cos(elevation) / WATER_REFRACTIVE_INDEX))
    below_view = np.tan(np.arcsin(np.sin(np.radians(view.incidence_angle)) / WATER_REFRACTIVE_INDEX))
    inner_s = side * below_sun * np.sin(np.radians(view.sun_azimuth - heading))
    inner_v = side * below_view * np.sin(np.radians(view.azimuth - heading))
    # a uniform disc seen edge on has a standard deviation of half its radius
    disc = (
        0.5
        * np.radians(SUN_RADIUS)
        / np.sin(elevation) ** 2
        * abs(np.sin(np.radians(view.sun_azimuth - heading)))
    )
    return SideShifts(
        side=side,
        alpha=float(alpha),
        beta=float(beta),
        sun=float(max(S, 0.0)),
        shade=float(max(-S, 0.0)),
        tail=float(max(inner_v - inner_s, 0.0)) if beta > alpha else 0.0,
        penumbra=float(disc),
        sky=float(SKYLIGHT / np.sin(elevation)) if beta > alpha else 0.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """What is believed of the light before the fit, in the unit of one band: mean and spread."""

    deck: tuple[float, float]
    side: tuple[float, float]
    shadow: tuple[float, float]
    water: tuple[float, float]
    structure: tuple[float, float, float, float]
    """Standard deviation of structure along the hull on deck, side, shadow, water."""
    boot: float
    """Standard deviation of the boot-topping against the paint above it."""
    bands: float
    """Standard deviation of the bands of paint on the side: topside, boot-topping, rust at the water."""
    bar: float
    """Standard deviation of the line that a gutter bar and its shadow draw on the deck beside its edge."""
    margin: float = 0.0
    """Standard deviation of a margin plate in another paint against the deck inside of it."""
    dark: float = 0.0
    """The darkest that is seen: haze, or more."""
    seen: tuple[float, float, float, float] | None = None
    """Deck, side, shadow and water as a first fit found them: what an edge out of place costs hangs on it."""


def scaled(levels: Levels, texture: float) -> Levels:
    """The beliefs with structure in paint `texture` times as strong."""
    deck, side, shadow, water = levels.structure
    return replace(levels, structure=(texture * deck, texture * side, shadow, water))


SKYLIGHT = 0.15
"""Light of a clear sky on the sea against the sun's from overhead, in red and near infrared; under a lower
sun it is as much against less (Bird and Hulstrom 1981, SERI/TR-642-761, aerosol of 0.1 to 0.2)."""

SKY_SPREAD = 1.0
"""How far, in its own size, the dimming beside the hull may be off: haze, her mirror image in the sea [1]."""

HALOS = ((1.7, 0.35), (3.5, 0.12))
"""Widths, in units of the blur, and amplitudes of the halos a product may have around its edges [1]."""

DEEP = 2.0
"""Depth inside the deck edge at which structure is twice as strong as at the edge [m]."""

LENGTHS = ((0.35, 1.2), (1.0, 3.0))
"""Lengths across the hull of the structure of paint (pipes and gutters are sharp, patches are not) and of
water [m]."""


BOOTS = (0.4, 1.0, 2.0, 3.5)
"""Heights of the boot-topping above the water [m]: its upper edge can pass for the waterline."""
BOOT_SHARE = 0.6
"""Share of sides that show a boot-topping."""
MARGINS = (0.35, 0.8)
"""Widths of a margin plate or walkway along the deck's edge in another paint [m]."""
BAR_REACH = 1.0
"""How far inboard of the deck edge a gutter bar may run [m]."""
BAND_LENGTH = 2.5
"""Mean width in the image of a band of paint [m]."""


def step_up(v: Array, at: Array, blur: Array) -> Array:
    """Blurred step from 0 to 1 at `at`."""
    from scipy.special import ndtr

    return np.asarray(ndtr((v - at) / blur))


def step_with_tail(v: Array, at: Array, blur: Array, tail: Array) -> Array:
    """Blurred step whose far side is drawn out exponentially: the normal with an exponential, integrated."""
    from scipy.special import erfcx, ndtr

    t = np.maximum(tail, 1e-3)
    z = (v - at) / blur
    k = blur / t
    # exp(k^2/2 - k z) * ndtr(z - k) written so that neither factor overflows; far out ndtr(z - k) is one
    w = (k - z) / np.sqrt(2.0)
    near = 0.5 * np.exp(-0.5 * z**2) * erfcx(np.maximum(w, -3.0))
    far = np.exp(np.minimum(0.5 * k**2 - k * z, 0.0))
    whole = ndtr(z)
    return np.asarray(np.where(tail > 1e-3, whole - np.where(w > -3.0, near, far), whole))


def masks(
    v: Array, shifts: SideShifts, state: tuple[Array, Array], setting: tuple[float, float, float]
) -> Array:
    """Share of deck, side, shadow and water at each sample.

    Parameters
    ----------
    v
        (sample,) outward coordinate [m].
    state
        (freeboard, deck edge), each (candidate,) [m].
    setting
        (blur, z_eff, smear): standard deviation of the image's blur [m], effective depth of the water's
        light [m], and relative smear of freeboard along the mid-body by trim [m].

    Returns
    -------
    array
        (candidate, 4, sample), sums to one over the second axis.
    """
    F, e = state[0][:, None], state[1][:, None]
    blur, z_eff, smear = setting
    x = v[None, :]
    edges, which = np.unique(state[1], return_inverse=True)  # candidates share them
    deck = 1.0 - step_up(x, edges[:, None], np.full((len(edges), 1), blur))[which]
    line_blur = np.sqrt(blur**2 + (smear * shifts.alpha) ** 2)
    line = step_up(x, e + F * shifts.alpha, np.full_like(F, line_blur)) if shifts.alpha else 1.0 - deck
    tip_blur = np.sqrt(blur**2 + (smear * shifts.beta) ** 2 + (shifts.penumbra * F) ** 2)
    if shifts.beta > shifts.alpha:
        tip = step_with_tail(x, e + F * shifts.beta, tip_blur, np.full_like(F, shifts.tail * z_eff))
    else:
        tip = line
    out = np.clip(np.stack([deck, 1.0 - deck - line, line - tip, tip + 0.0 * x], axis=1), 0.0, 1.0)
    if shifts.sky > 0.0:
        foot = e + F * (shifts.beta - shifts.shade)
        dimmed = shifts.sky * hidden_sky(x - foot, F) * (out[:, SHADOW] + out[:, WATER])
        out[:, SHADOW] += dimmed
        out[:, WATER] -= dimmed
    return np.asarray(out)


def hidden_sky(distance: Array, height: Array) -> Array:
    """Share of an even sky's light on the sea that a long wall of a height hides at a distance [1].

    References
    ----------
    Howell, Catalog of Radiation Heat Transfer Configuration Factors, B-71 for a half-infinite wall: the
    factor of a horizontal element to a vertical strip is (1 - cos(elevation of its top)) / 2.
    """
    away = np.maximum(distance, 0.0)
    return np.asarray(0.5 * (1.0 - away / np.maximum(np.hypot(away, height), 1e-6)))


def kernels(v: Array, blur: float) -> Array:
    """(4, sample, sample) correlation of structure in paint and water, of bands of paint and of thin lines.

    Bands end in steps at unknown heights: the exponential kernel is that of a signal that jumps at random.
    Thin lines lie anywhere and look like the blur.
    """
    gap2 = (v[:, None] - v[None, :]) ** 2
    out = np.zeros((len(LENGTHS) + 2, len(v), len(v)))
    out[-2] = np.exp(-np.sqrt(gap2 + blur**2) / BAND_LENGTH)
    out[-1] = np.exp(-0.25 * gap2 / blur**2)
    for k, lengths in enumerate(LENGTHS):
        for length in lengths:
            wide2 = length**2 + 2 * blur**2
            out[k] += length / np.sqrt(wide2) * np.exp(-0.5 * gap2 / wide2) / len(lengths)
    return out


def jitter(blur: float) -> float:
    """How far a real edge lies from where the model puts it: gunwale radius, swell, resampling [m]."""
    return 0.05 + 0.15 * blur


def variants(
    v: Array, shifts: SideShifts, state: tuple[Array, Array], setting: tuple[float, float, float]
) -> Array:
    """(variant, candidate, 4, sample): `masks` as they are, then what each may differ by.

    At the wider blurs of `HALOS`; moved, all edges `jitter` further out; heightened, only those that are not
    the deck's; the sea evenly lit by the sky; the shares of margin plates as wide as `MARGINS`; and, where
    a side is seen, of boot-toppings as high as the `BOOTS`.
    """
    blur, z_eff, smear = setting
    F, e = state
    step = jitter(blur)
    moved = masks(v, shifts, (F, e + step), setting)
    higher = masks(v, shifts, (F + step / max(shifts.reach, 0.1), e), setting)
    blurs = [masks(v, shifts, state, (blur * wider, z_eff, smear)) for wider in (1.0, *(w for w, _ in HALOS))]
    even = masks(v, replace(shifts, sky=0.0), state, setting)
    paint = [*_margins(v, e, blur), *_boots(v, shifts, state, setting)]
    return np.stack([*blurs, moved, higher, even, *paint])


def _margins(v: Array, edge: Array, blur: float) -> list[Array]:
    """Per width of `MARGINS` (candidate, 4, sample): the margin plate's share of the deck."""
    wide = np.full((len(edge), 1), blur)
    end = step_up(v[None, :], edge[:, None], wide)
    out = []
    for width in MARGINS:
        share = np.zeros((len(edge), 4, len(v)))
        share[:, DECK] = step_up(v[None, :], edge[:, None] - width, wide) - end
        out.append(share)
    return out


def _boots(
    v: Array, shifts: SideShifts, state: tuple[Array, Array], setting: tuple[float, float, float]
) -> list[Array]:
    """Per height of `BOOTS` (candidate, 4, sample): the boot-topping's share of the side, else nothing."""
    if shifts.alpha == 0.0:
        return []
    F, e = state[0][:, None], state[1][:, None]
    blur = np.full_like(F, np.hypot(setting[0], setting[2] * shifts.alpha))
    water = step_up(v[None, :], e + F * shifts.alpha, blur)
    out = []
    for height in BOOTS:
        share = np.zeros((len(F), 4, len(v)))
        share[:, SIDE] = step_up(v[None, :], e + np.maximum(F - height, 0.0) * shifts.alpha, blur) - water
        out.append(share)
    return out


def tolerances(shares: Array, levels: Levels) -> Array:
    """(candidate, 4, sample): one standard deviation of what a true profile may differ by at its edges.

    Products are sharpened, resampled and pansharpened: beside a bright deck that leaves a dark or bright
    line a pixel or two wide which a Gaussian blur of any width does not have. And no edge is where it
    should be to the centimetre.
    """
    believed = (levels.deck[0], levels.side[0], levels.shadow[0], levels.water[0])
    mean = np.array(levels.seen or believed)
    amplitudes = (*(a for _, a in HALOS), 1.0, 1.0, SKY_SPREAD)
    margins, boots = np.split(shares[1 + len(amplitudes) :], [len(MARGINS)])
    plates = levels.margin / np.sqrt(len(MARGINS)) * margins[:, :, DECK]
    paint = levels.boot * np.sqrt(BOOT_SHARE / max(len(boots), 1)) * boots[:, :, SIDE]
    parts = [
        amplitude * np.einsum("l,mls->ms", mean, shares[0] - other)
        for amplitude, other in zip(amplitudes, shares[1:], strict=False)
    ]
    return np.stack([*parts, *plates, *paint], axis=1)


def deepened(shares: Array, v: Array, edge: Array) -> Array:
    """(candidate, 5, sample): the shares with the deck's growing inwards from its edge: gear lies there.

    The fifth is the strip of deck beside the edge where gutter bars run.
    """
    inside = np.maximum(edge[:, None] - v[None, :], 0.0)
    bars = shares[:, DECK] * np.exp(-0.5 * (inside / BAR_REACH) ** 2)
    deck = shares[:, DECK] * (1.0 + (inside / DEEP) ** 2)
    return np.concatenate([deck[:, None], shares[:, 1:], bars[:, None]], axis=1)


def design(shares: Array, v: Array, edge: Array) -> Array:
    """(candidate, level, sample): deck, slope of the deck, side, shadow, water, slope of the water."""
    away = (v[None, :] - edge[:, None]) / 10.0
    return np.stack(
        [
            shares[:, DECK],
            shares[:, DECK] * away,
            shares[:, SIDE],
            shares[:, SHADOW],
            shares[:, WATER],
            shares[:, WATER] * np.clip(away, 0, 3),
        ],
        axis=1,
    )


def level_priors(levels: Levels) -> tuple[Array, Array]:
    """Mean and standard deviation of the columns of `design`."""
    pairs = (
        levels.deck,
        (0.0, 0.5 * levels.deck[1]),
        levels.side,
        levels.shadow,
        levels.water,
        (0.0, 0.1 * levels.water[1]),
    )
    return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
