"""A plan as records and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from pipeline.config import FreeboardConfig
from pipeline.datatypes import Site
from pipeline.ingest import CandidatePass
from pipeline.plan.expect import largest_error
from pipeline.plan.hours import Day, map_day
from pipeline.plan.judge import Judged, rank_passes
from pipeline.plan.places import Place


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacePlan:
    """What a place can hope for."""

    place: Place
    days: tuple[Day, ...]
    judged: tuple[Judged, ...]
    """Best first."""


def make_plan(
    places: Sequence[Place],
    days: Sequence[date],
    passes: Sequence[CandidatePass],
    *,
    gsd: float,
    rule: FreeboardConfig,
) -> tuple[PlacePlan, ...]:
    """For each place the hours of each day, and the passes ranked.

    Parameters
    ----------
    gsd
        Of the hours, and of passes that state none [m].
    rule
        Coarsest pixel and largest expected error that are measured.
    """
    return tuple(
        PlacePlan(
            place=place,
            days=tuple(map_day(place, day, gsd=gsd, max_sigma=largest_error(gsd, rule)) for day in days),
            judged=rank_passes(passes, place, gsd=gsd, config=rule),
        )
        for place in places
    )


def plan_document(plans: Sequence[PlacePlan], site: Site, rule: FreeboardConfig) -> dict[str, Any]:
    """The plan in plain values, for JSON."""
    places = [
        {
            "id": plan.place.id,
            "name": plan.place.name,
            "role": plan.place.role,
            "heading": plan.place.heading,
            "days": [_day_entry(day) for day in plan.days],
            "candidates": [_pass_entry(judged) for judged in plan.judged],
        }
        for plan in plans
    ]
    return {
        "schema_version": "1",
        "site": site.id,
        "max_expected_sigma": rule.max_expected_sigma,
        "max_coarse_share": rule.max_coarse_share,
        "max_gsd": rule.max_gsd,
        "places": places,
    }


def _day_entry(day: Day) -> dict[str, Any]:
    hours = []
    for h, hour in enumerate(day.hours):
        dark = bool(np.isnan(day.sigma[h]).all())
        best, incidence, azimuth = day.best(h)
        hours.append(
            {
                "datetime": hour,
                "sun_elevation": float(day.sun[h, 0]),
                "sun_azimuth": float(day.sun[h, 1]),
                "share_measured": float(day.share[h]),
                "best": None
                if dark
                else {"expected_sigma": best, "incidence_angle": incidence, "azimuth": azimuth},
                "median_sigma": None if dark else float(np.median(day.sigma[h])),
                "worst_sigma": None if dark else float(day.sigma[h].max()),
            }
        )
    return {"date": day.date.isoformat(), "gsd": day.gsd, "hours": hours}


def _pass_entry(judged: Judged) -> dict[str, Any]:
    c = judged.candidate
    return {
        "id": c.id,
        "datetime": c.datetime,
        "platform": c.platform,
        "gsd": judged.gsd,
        "incidence_angle": c.incidence_angle,
        "azimuth": c.azimuth,
        "cloud_cover": c.cloud_cover,
        "sun_elevation": judged.sun_elevation,
        "sun_azimuth": judged.sun_azimuth,
        "expected_sigma": judged.expected_sigma,
        "spread80": judged.spread,
        "one_side_sigma": judged.one_side,
        "share_measured": judged.share,
        "worth_buying": judged.reason is None,
        "reason": None
        if judged.reason is None
        else {"code": judged.reason.code, "message": judged.reason.message},
    }
