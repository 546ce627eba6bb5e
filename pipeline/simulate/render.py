"""Path tracing of a small world by an affine satellite camera (Mitsuba 3).

The camera is orthographic and sheared so that the film is the plane of the sea: a pixel is a square of water,
and a point at height h is displaced by h tan(incidence) away from the satellite. The sun is a directional
light, the sky a constant one.

The water is lit from within: light that enters is scattered back at a depth of some decimetres. It is
drawn as opaque diffuse sheets at a few depths below the surface, one render each, averaged, with the
Fresnel reflection of a rough surface on top. A shadow on the water is so softened and lengthened as it is
in nature, and the hull is seen a little below the waterline. The sheets lie so much higher that the sun's
rays, which are not bent, reach as far as those that are; and the deeper one lies, the less of its light is
left in a band that water absorbs.

`scalar_rgb` is the variant used: it needs nothing but the wheel. The llvm ones need a libLLVM that fits the
wheel on the machine, and one that does not fit ends the process, so they are not tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.constants import WATER_ABSORPTION, WATER_REFRACTIVE_INDEX
from pipeline.datatypes import ViewGeometry
from pipeline.errors import MissingExtraError
from pipeline.simulate.meshes import Mesh

BANDS = ("blue", "green", "red", "nir", "swir16")
_SKY_SHARE = np.array([0.28, 0.20, 0.14, 0.08, 0.03])
"""Diffuse share of the light on a horizontal plane under a clear sky at sun elevation 45 deg."""


SHEETS = (0.189, 0.712, 2.099)
"""Mean depths of the three thirds of light that fades exponentially, in its mean depth [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sea:
    """The water of one scene."""

    upwelling: tuple[float, float, float, float, float]
    """Reflectance of the water body, (blue, green, red, nir, swir16)."""
    roughness: float = 0.12
    """Beckmann alpha of the surface: 0.05 calm, 0.15 breezy, 0.3 rough."""
    depth: float = 0.2
    """Mean depth from which the light would come back if water did not absorb [m]."""
    waves: float = 0.10
    """Relative variation of the upwelling light by waves."""
    wavelength: float = 9.0
    """[m]"""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The piece of sea on the film, in the local plane."""

    centre: tuple[float, float]
    """(east, north) [m]"""
    shape: tuple[int, int]
    """(rows, cols) of the film."""
    axes: tuple[float, float, float, float]
    """(a, b, d, e): east = a col + b row, north = d col + e row [m]."""


def mitsuba() -> Any:
    """Mitsuba with its scalar variant set.

    Raises
    ------
    MissingExtraError
        The extra `simulate` is not installed, or a library of the system that it needs is not.
    """
    try:
        import mitsuba as mi
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "simulating scenes needs mitsuba", hint="pip install 'plimsoll[simulate]'"
        ) from error
    except (ImportError, NameError, OSError) as error:  # drjit stumbles over its own failed import
        raise MissingExtraError(
            "mitsuba is installed, and does not load on this machine",
            hint="on Debian or Ubuntu: apt-get install libatomic1",
        ) from error
    mi.set_variant("scalar_rgb")
    return mi


def to_satellite(view: ViewGeometry) -> npt.NDArray[np.float64]:
    """(east, north, up) towards the satellite, with up = 1."""
    slope, azimuth = np.tan(np.radians(view.incidence_angle)), np.radians(view.azimuth)
    return np.array([slope * np.sin(azimuth), slope * np.cos(azimuth), 1.0])


def to_sun(view: ViewGeometry) -> npt.NDArray[np.float64]:
    """Unit vector (east, north, up) towards the sun."""
    elevation, azimuth = np.radians(view.sun_elevation), np.radians(view.sun_azimuth)
    return np.array(
        [np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth), np.sin(elevation)]
    )


def _mesh(mi: Any, mesh: Mesh, planes: Sequence[int], name: str) -> Any:
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict(
        {
            "type": "twosided",
            "bsdf": {"type": "diffuse", "reflectance": {"type": "mesh_attribute", "name": "vertex_colour"}},
        }
    )
    shape = mi.Mesh(name, len(mesh.vertices), len(mesh.faces), props=properties)
    colours = np.clip(mesh.colours[:, list(planes)], 0.0, 0.98).astype(np.float32)
    shape.add_attribute("vertex_colour", 3, np.ascontiguousarray(colours).ravel())
    parameters = mi.traverse(shape)
    parameters["vertex_positions"] = np.ascontiguousarray(mesh.vertices, dtype=np.float32).ravel()
    parameters["faces"] = np.ascontiguousarray(mesh.faces, dtype=np.uint32).ravel()
    parameters.update()
    return shape


def wave_field(sea: Sea, size: int, step: float) -> npt.NDArray[np.float32]:
    """(size, size) relative brightness of the water, mean 1: anisotropic waves plus slow patches."""
    rng = np.random.default_rng(sea.seed)
    frequency = np.fft.fftfreq(size, step)
    fx, fy = np.meshgrid(frequency, frequency)
    radius = np.hypot(fx, fy)
    wind = rng.uniform(0, 2 * np.pi)
    along = np.cos(np.arctan2(fy, fx) - wind) ** 2
    peak = 1.0 / sea.wavelength
    short = np.exp(-(((radius - peak) / (0.6 * peak)) ** 2)) * (0.2 + along)
    slow = 0.6 * np.exp(-((radius * 150.0) ** 2)) * 25
    noise = np.fft.fft2(rng.standard_normal((size, size)))
    field = np.real(np.fft.ifft2(noise * (short / np.sqrt(np.mean(short**2)))))
    drift = np.real(np.fft.ifft2(noise * slow))
    field = field / field.std() + 0.5 * drift / max(float(drift.std()), 1e-9)
    return np.asarray(np.clip(1 + sea.waves * field, 0.2, 3.0), dtype=np.float32)


def sheets(
    sea: Sea, view: ViewGeometry, bands: tuple[str, ...]
) -> tuple[list[float], list[npt.NDArray[np.float64]]]:
    """Depths of the sheets that stand for the water, for straight rays [m], and their weights by band."""
    if sea.depth <= 0:
        return [0.0], [np.ones(len(bands))]
    depth = sea.depth * np.array(SHEETS)
    sun, up = np.radians(90 - view.sun_elevation), np.radians(view.incidence_angle)
    below_sun, below_up = (np.arcsin(np.sin(angle) / WATER_REFRACTIVE_INDEX) for angle in (sun, up))
    way = 1 / np.cos(below_sun) + 1 / np.cos(below_up)
    absorbed = np.array([WATER_ABSORPTION[b] for b in bands])
    left = np.exp(-way * absorbed[None, :] * depth[:, None])
    raised = depth * np.tan(below_sun) / np.tan(max(sun, 1e-3))
    return [float(d) for d in raised], list(left / left.sum(axis=0))


def _sea(
    mi: Any, sea: Sea, field: npt.NDArray[np.float32], planes: Sequence[int], depth: float, extent: float
) -> dict[str, Any]:
    colour = np.asarray(sea.upwelling)[list(planes)]
    pixels = np.clip(field[..., None] * colour, 0, 0.95).astype(np.float32)
    transform = mi.ScalarTransform4f().translate([0, 0, -depth]).scale([extent, extent, 1])
    return {
        "type": "rectangle",
        "to_world": transform,
        "bsdf": {
            "type": "roughplastic",
            "distribution": "beckmann",
            "alpha": sea.roughness,
            "int_ior": 1.34,
            "diffuse_reflectance": {"type": "bitmap", "bitmap": mi.Bitmap(pixels), "raw": True},
        },
    }


def _lights(view: ViewGeometry, planes: Sequence[int]) -> dict[str, Any]:
    """Sun and sky; together they give an irradiance of one on a horizontal plane, in every band."""
    slant = np.sin(np.radians(view.sun_elevation))
    share = np.clip(_SKY_SHARE[list(planes)] * (0.5 + 0.35 / max(slant, 0.2)), 0, 0.8)
    sun = (1 - share) / slant
    sky = share / np.pi
    return {
        "sun": {
            "type": "directional",
            "direction": [float(v) for v in -to_sun(view)],
            "irradiance": {"type": "rgb", "value": [float(v) for v in sun]},
        },
        "sky": {"type": "constant", "radiance": {"type": "rgb", "value": [float(v) for v in sky]}},
    }


def _camera(mi: Any, view: ViewGeometry, frame: Frame) -> dict[str, Any]:
    rows, cols = frame.shape
    a, b, d, e = frame.axes
    up = to_satellite(view)
    distance = 400.0
    matrix = np.eye(4)
    # Mitsuba's film runs against the local x axis and against the local y axis
    matrix[:3, 0] = np.array([-a, -d, 0.0]) * cols / 2
    # the film is as tall as wide in local units times its aspect ratio
    matrix[:3, 1] = np.array([-b, -e, 0.0]) * cols / 2
    matrix[:3, 2] = -up
    matrix[:3, 3] = np.array([*frame.centre, 0.0]) + distance * up
    return {
        "type": "orthographic",
        "to_world": mi.ScalarTransform4f(matrix),
        "near_clip": 0.1,
        "far_clip": 2000.0,
        "film": {
            "type": "hdrfilm",
            "width": cols,
            "height": rows,
            "pixel_format": "rgb",
            "component_format": "float32",
            "rfilter": {"type": "box"},
        },
        "sampler": {"type": "independent", "sample_count": 4},
    }


def trace(
    meshes: Sequence[Mesh],
    sea: Sea,
    view: ViewGeometry,
    frame: Frame,
    *,
    samples: int,
    bands: tuple[str, ...] = BANDS[:4],
) -> npt.NDArray[np.float32]:
    """Reflectance of the scene on the film, (band, row, col), before any sensor.

    Parameters
    ----------
    meshes
        In (east, north, up) [m], z = 0 at the water.
    samples
        Paths a pixel under the sky; a third of it for each water sheet under the sun.
    bands
        A subset of `BANDS`.

    Raises
    ------
    MissingExtraError
        The extra `simulate` is not installed.
    """
    mi = mitsuba()
    extent = 2.0 * max(abs(v) for v in frame.axes) * max(frame.shape) + 300.0
    indices = [BANDS.index(b) for b in bands]
    depths, weights = sheets(sea, view, bands)
    field = wave_field(sea, 1024, 2 * extent / 1024)
    # one light at a time: a path that need not choose between them carries far less noise
    passes = [("sun", d, max(samples // 3, 1), w) for d, w in zip(depths, weights, strict=True)]
    passes.append(("sky", depths[len(depths) // 2], samples, np.ones(len(bands))))
    planes: list[npt.NDArray[np.float64]] = []
    for start in range(0, len(indices), 3):
        chosen = (indices[start : start + 3] * 3)[:3]
        lights = _lights(view, chosen)
        shapes = {f"mesh{n}": _mesh(mi, mesh, chosen, f"mesh{n}") for n, mesh in enumerate(meshes)}
        total = np.zeros((*frame.shape, 3))
        for step, (light, depth, spp, weight) in enumerate(passes):
            scene = {
                "type": "scene",
                "integrator": {"type": "path", "max_depth": 4, "rr_depth": 8},
                "sensor": _camera(mi, view, frame),
                "sea": _sea(mi, sea, field, chosen, depth, extent),
                light: lights[light],
                **shapes,
            }
            seed = (1000 * sea.seed + 10 * start + step) % 2**31
            image = mi.render(mi.load_dict(scene), spp=spp, seed=seed)
            total += (list(weight[start : start + 3]) * 3)[:3] * np.asarray(image)[..., :3]
        planes += list(np.moveaxis(np.pi * total, -1, 0)[: len(indices[start : start + 3])])
    return np.stack(planes).astype(np.float32)
