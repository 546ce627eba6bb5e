"""Constants with their sources. Nothing here is tuned."""

from typing import Final

BARREL: Final = 0.158987294928
"""Volume of one US petroleum barrel, 42 US gallons of 231 cubic inches, exactly [m3]."""

EARTH_RADIUS: Final = 6_371_008.8
"""Mean radius of the Earth, IUGG R1 (Moritz 2000, doi:10.1007/s001900050278) [m]."""

SUN_RADIUS: Final = 0.2666
"""Mean angular radius of the Sun, 15.996 arcmin (Allen's Astrophysical Quantities, 4th ed.) [deg]."""

TERRESTRIAL_LESS_UT1: Final = 67.0
"""Terrestrial time less universal time, as pvlib takes it; 2 s too little by now: 2e-5 deg of the sun [s]."""

WATER_REFRACTIVE_INDEX: Final = 1.34
"""Refractive index of sea water in the visible (Quan and Fry 1995, doi:10.1364/AO.34.003477) [1]."""

WATER_ABSORPTION: Final = {"blue": 0.015, "green": 0.06, "red": 0.4, "nir": 3.3, "swir16": 670.0}
"""Absorption of pure water by band [1/m]: 480, 560 and 660 nm (Pope and Fry 1997, doi:10.1364/AO.36.008710),
770 to 890 nm and 1,610 nm (Kou et al. 1993, doi:10.1364/AO.32.003531)."""

SEA_WATER_DENSITY: Final = 1025.0
"""Density at which load lines and deadweight are stated (ICLL 1966) [kg/m3]."""

DIESEL_DENSITY15: Final = 840.0
"""Density of diesel at 15 degC: EN 590 allows 820 to 845 [kg/m3]."""

ORBIT_HEIGHTS: Final = {
    "worldview-1": 496e3,
    "worldview-2": 770e3,
    "worldview-3": 617e3,
    "geoeye-1": 681e3,
    "pleiades": 694e3,
    "pleiades-neo": 620e3,
    "spot": 694e3,
    "planetscope": 475e3,
    "skysat": 450e3,
    "rapideye": 630e3,
    "sentinel-2": 786e3,
    "kompsat-3": 685e3,
    "gaofen-2": 631e3,
}
"""Nominal orbit height above the Earth by platform, from the operators' public data sheets [m]."""

FEWEST_LOOKS: Final = 3
"""Clear looks at a terminal, and at each cell of it, before anything is said of what stands there [1]."""
