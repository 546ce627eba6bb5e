"""Pictures and the report: the annotated sheet and overlay of a scene, crops, and the season on one page."""

from pipeline.render.annotate import Annotated, render_annotated
from pipeline.render.crop import render_crop
from pipeline.render.report import render_report

__all__ = ["Annotated", "render_annotated", "render_crop", "render_report"]
