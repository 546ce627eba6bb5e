"""The load line rule for tankers: the least summer freeboard, Type A (ICLL 1966, Protocol 1988).

The closest thing to physics where a register gives no depth or no summer draught.

References
----------
International Convention on Load Lines, regulations 28 (table), 30 (block coefficient), 31 (depth),
37 (superstructures) and 38 (sheer).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

FIRST_LENGTH = 24
"""Of the table, which goes on metre by metre [m]."""
# fmt: off
TABULAR_FREEBOARD = (
    200, 208, 217, 225, 233, 242, 250, 258, 267, 275, 283, 292, 300, 308, 316, 325, 334, 344, 354, 364,
    374, 385, 396, 408, 420, 432, 443, 455, 467, 478, 490, 503, 516, 530, 544, 559, 573, 587, 600, 613,
    626, 639, 653, 666, 680, 693, 706, 720, 733, 746, 760, 773, 786, 800, 814, 828, 841, 855, 869, 883,
    897, 911, 926, 940, 955, 969, 984, 999, 1014, 1029, 1044, 1059, 1074, 1089, 1105, 1120, 1135, 1151,
    1166, 1181, 1196, 1212, 1228, 1244, 1260, 1276, 1293, 1309, 1326, 1342, 1359, 1376, 1392, 1409, 1426,
    1442, 1459, 1476, 1494, 1511, 1528, 1546, 1563, 1580, 1598, 1615, 1632, 1650, 1667, 1684, 1702, 1719,
    1736, 1753, 1770, 1787, 1803, 1820, 1837, 1853, 1870, 1886, 1903, 1919, 1935, 1952, 1968, 1984, 2000,
    2016, 2032, 2048, 2064, 2080, 2096, 2111, 2126, 2141, 2155, 2169, 2184, 2198, 2212, 2226, 2240, 2254,
    2268, 2281, 2294, 2307, 2320, 2332, 2345, 2357, 2369, 2381, 2393, 2405, 2416, 2428, 2440, 2451, 2463,
    2474, 2486, 2497, 2508, 2519, 2530, 2541, 2552, 2562, 2572, 2582, 2592, 2602, 2612,
)
# fmt: on
"""Regulation 28, Type A, from `FIRST_LENGTH` to 200 m [mm]."""
LONGER = ((220.0, 2792.0), (250.0, 3012.0), (300.0, 3262.0), (350.0, 3406.0), (365.0, 3433.0))
"""Further points of the same table, enough for a spread that is wide there anyway (m, mm)."""
SUPERSTRUCTURE_LENGTHS = (24.0, 85.0, 122.0)
SUPERSTRUCTURE_DEDUCTIONS = (350.0, 860.0, 1070.0)
"""Regulation 37: for superstructures all along the ship (m, mm)."""
SUPERSTRUCTURE_SHARES = (0.0, 7.0, 14.0, 21.0, 31.0, 41.0, 52.0, 63.0, 75.3, 87.7, 100.0)
"""Regulation 37, Type A: share of the deduction by effective length of superstructures, each tenth [%]."""


@lru_cache(maxsize=1)
def _table() -> tuple[Array, Array]:
    lengths = [*range(FIRST_LENGTH, FIRST_LENGTH + len(TABULAR_FREEBOARD)), *(x for x, _ in LONGER)]
    values = [*TABULAR_FREEBOARD, *(y for _, y in LONGER)]
    return np.array(lengths, dtype=np.float64), np.array(values, dtype=np.float64)


def tabular_freeboard(length: npt.ArrayLike) -> Array:
    """Regulation 28, Type A, linear between the entries; 24 to 365 m, held at the ends [m]."""
    lengths, values = _table()
    return np.asarray(np.interp(np.asarray(length, dtype=np.float64), lengths, values) / 1000)


def summer_freeboard(
    length: npt.ArrayLike,
    depth: npt.ArrayLike,
    block: npt.ArrayLike,
    *,
    superstructure: float = 0.3,
    flat_deck: bool = True,
) -> Array:
    """Least summer freeboard of a tanker [m]; what was assigned may be more, never less.

    Parameters
    ----------
    length
        Of the rule, taken as between perpendiculars [m].
    depth
        Moulded, to the main deck at side [m].
    block
        Block coefficient [1].
    superstructure
        Effective length of forecastle and poop over length [1].
    flat_deck
        True: no sheer, as on modern tankers, with the addition of regulation 38.
    """
    L = np.asarray(length, dtype=np.float64)
    D, Cb = np.asarray(depth, dtype=np.float64), np.asarray(block, dtype=np.float64)
    freeboard = tabular_freeboard(L) * np.maximum((Cb + 0.68) / 1.36, 1.0)
    slope = np.where(L < 120, L / 0.48, 250.0) / 1000
    freeboard = freeboard + np.maximum(D - L / 15, 0.0) * slope
    deduction = np.interp(L, SUPERSTRUCTURE_LENGTHS, SUPERSTRUCTURE_DEDUCTIONS) / 1000
    share = np.interp(superstructure * 10, np.arange(11), SUPERSTRUCTURE_SHARES) / 100
    freeboard = freeboard - deduction * share
    if flat_deck:
        freeboard = freeboard + _standard_sheer(L) * (0.75 - superstructure / 2)
    return np.asarray(freeboard)


def _standard_sheer(length: Array) -> Array:
    """Mean ordinate of the standard sheer by Simpson's rule over each half, regulation 38 [m]."""
    aft = (25.0 + 3 * 11.1 + 3 * 2.8) / 8
    forward = (50.0 + 3 * 22.2 + 3 * 5.6) / 8
    return np.asarray((aft + forward) / 2 * (length / 3 + 10) / 1000)


def draught_from_depth(length: Array, depth: Array, block: Array, excess: Array) -> Array:
    """Summer draught of a ship of known depth; `excess` is freeboard beyond the least [m]."""
    return np.asarray(depth - summer_freeboard(length, depth, block) - excess)


def depth_from_draught(length: Array, draught: Array, block: Array, excess: Array) -> Array:
    """Depth of a ship of known summer draught: D = Ts + F(D) + excess, by iteration [m]."""
    depth = draught * 1.23
    for _ in range(12):
        depth = draught + summer_freeboard(length, depth, block) + excess
    return np.asarray(depth)
