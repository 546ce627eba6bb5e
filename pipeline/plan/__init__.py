"""Before the image: at what hours and angles a pass would measure a freeboard, and which pass to buy."""

from pipeline.plan.document import PlacePlan, make_plan, plan_document
from pipeline.plan.expect import largest_error
from pipeline.plan.hours import Day, map_day
from pipeline.plan.judge import Judged, judge_pass, rank_passes
from pipeline.plan.places import Place, list_places

__all__ = [
    "Day",
    "Judged",
    "Place",
    "PlacePlan",
    "judge_pass",
    "largest_error",
    "list_places",
    "make_plan",
    "map_day",
    "plan_document",
    "rank_passes",
]
