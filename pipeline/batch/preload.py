"""Imported once by the server that children are forked from, so that a child starts at once."""

from pipeline.batch.surroundings import prepare_process

prepare_process()

import cv2  # noqa: E402  GDAL's settings come first
import numpy  # noqa: E402, F401
import pydantic  # noqa: E402, F401
import scipy.special  # noqa: E402, F401
import shapely  # noqa: E402, F401

import pipeline.clouds  # noqa: E402
import pipeline.detect  # noqa: E402
import pipeline.freeboard  # noqa: E402
import pipeline.ingest  # noqa: E402
import pipeline.load  # noqa: E402
import pipeline.products  # noqa: E402
import pipeline.render  # noqa: E402
import pipeline.run  # noqa: E402
import pipeline.store  # noqa: E402
import pipeline.visits  # noqa: E402, F401
from pipeline.geometry import load_sun  # noqa: E402
from pipeline.ingest.environment import load_readers  # noqa: E402

load_readers()
load_sun()
cv2.setNumThreads(1)
