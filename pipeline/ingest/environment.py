"""What GDAL and PROJ are told before they are first imported: no network, no sidecars, no user's settings."""

import logging
import os
from pathlib import Path
from typing import Final

_SKIPPED_DRIVERS: Final = (
    "VRT WMS WMTS WCS HTTP PLMOSAIC DAAS EEDA EEDAI STACIT STACTA GTI MRF PDF RPFTOC Rasterlite "
    "MBTiles KMLSUPEROVERLAY OSM"
)

SETTINGS: Final = {
    "GDAL_SKIP": _SKIPPED_DRIVERS,
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_GEOREF_SOURCES": "INTERNAL",
    "GDAL_CONFIG_FILE": str(Path(__file__).resolve().parent / "gdalrc"),
    "GDAL_DRIVER_PATH": "disable",
    "GDAL_HTTP_TIMEOUT": "5",
    "GDAL_HTTP_CONNECTTIMEOUT": "5",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "GDAL_VRT_ENABLE_RAWRASTERBAND": "NO",
    "GDAL_NUM_THREADS": "1",
    "GDAL_CACHEMAX": "64",
    "GTIFF_SRS_SOURCE": "EPSG",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "CPL_VSIL_CURL_HEADER_FILE_KVP_ENABLED": "NO",
    "PROJ_NETWORK": "OFF",
}
"""Environment of a process that opens images (reasons: a raster can name another file or the network)."""

_SCRUBBED = ("GDAL_", "CPL_", "OGR_", "OSR_", "PROJ_", "VSI_", "VRT_", "GTIFF_", "TIFF_", "AWS_", "GS_")


def prepare_environment() -> None:
    """Set the environment of GDAL and PROJ; to be called before rasterio, pyogrio or pyproj are imported.

    The user's own settings are dropped, since they change results. Calling it twice is harmless.
    """
    for name in [n for n in os.environ if n.startswith(_SCRUBBED) and n not in SETTINGS]:
        del os.environ[name]
    os.environ.update(SETTINGS)
    # GDAL's errors come as exceptions; what it says beside them ("datum not found") would only confuse
    logging.getLogger("rasterio").setLevel(logging.CRITICAL)


def load_readers() -> None:
    """Import the libraries that open images, for a process that others are forked from."""
    import pyproj  # noqa: F401
    import rasterio
    import rasterio.warp  # noqa: F401
