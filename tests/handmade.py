"""A small season made by hand: records for the tests of what stores, exports and sums up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.datatypes import Identity, InputFile, Ship, Site, SiteFeature
from pipeline.errors import Refused
from pipeline.products import (
    Barrels,
    BerthState,
    BudgetTerm,
    CapYear,
    CloudResult,
    Coverage,
    CrossingProbability,
    Designated,
    DetectionResult,
    Fill,
    GeometryResult,
    MonthCoverage,
    Period,
    Product,
    Quantiles,
    SceneResult,
    Software,
    Visit,
    VisitBarrels,
    VisitCounts,
    VisitsDocument,
    VolumeDocument,
)
from pipeline.readings import Curve, Estimate, Freeboard, Load, MarkedLine

NOON = datetime(2024, 8, 10, 2, 15, 30, tzinfo=UTC)
RING = [[132.9, 42.7], [132.901, 42.7], [132.901, 42.7005], [132.9, 42.7005], [132.9, 42.7]]

SITE = Site(
    id="quay",
    name="Test quay",
    features=(
        SiteFeature(
            id="aoi", role="aoi", outline=((132.88, 42.69), (132.92, 42.69), (132.92, 42.71), (132.88, 42.71))
        ),
        SiteFeature(
            id="b1",
            role="berth",
            outline=((132.899, 42.6995), (132.902, 42.6995), (132.902, 42.701), (132.899, 42.701)),
            verified=False,
        ),
    ),
    water_density=1021.123456789,
)
FLEET = (
    Ship(imo=9000001, name="Alpha", dwt=4983.0, loa=105.6, beam=16.6, depth=8.2),
    Ship(imo=None, name="=Nameless", beam=None),
)


def freeboard() -> Freeboard:
    return Freeboard(
        value=2.34567891,
        sigma=0.31,
        interval90=(1.8, 2.9),
        cues=(),
        information=3.2,
        curve=Curve(start=0.0, step=0.05, log_likelihood=(-3.14159265, -0.0, -60.0)),
        expected_sigma=0.3,
        lines=(MarkedLine(name="waterline", points=((132.90000001, 42.7), (132.901, 42.7))),),
        azimuth_check="agrees",
    )


def ship(name: str = "d1", *, measured: bool = True) -> DetectionResult:
    return DetectionResult(
        id=name,
        outline={"type": "Polygon", "coordinates": [RING]},
        kind="tanker",
        tanker_probability=0.91,
        score=0.97,
        heading=41.5,
        heading_ambiguous=False,
        length=105.123456,
        length_sigma=1.2,
        beam=16.4,
        beam_sigma=0.5,
        berth_id="b1",
        identity=(
            Identity(imo=9000001, name="Alpha", probability=0.8),
            Identity(imo=None, name=None, probability=0.2),
        ),
        freeboard=freeboard() if measured else None,
        not_measurable=None if measured else Refused(code="clouded", message="cloud over the hull"),
        draught=Estimate(value=5.9, sigma=0.4, interval90=(5.3, 6.5)) if measured else None,
        load=Load(
            fraction=0.8,
            sigma=0.1,
            interval90=(0.65, 0.95),
            deadweight_on_board=4000.0,
            cargo=3700.0,
            cargo_sigma=450.0,
        )
        if measured
        else None,
    )


def scene(
    scene_id: str = "s1", *, day: int = 0, ships: tuple[DetectionResult, ...] | None = None
) -> SceneResult:
    return SceneResult(
        schema_version="1",
        scene_id=scene_id,
        datetime=NOON + timedelta(days=day),
        platform="test-1",
        gsd=0.5,
        crs="EPSG:32653",
        inputs=(InputFile(path="a.tif", sha256="0" * 64, bytes=12),),
        software=Software(version="0", models={"site/quay": "1" * 64}, config_sha256="2" * 64),
        status="ok",
        reason=None,
        geometry=GeometryResult(
            incidence_angle=20.0,
            azimuth=100.0,
            sun_elevation=50.0,
            sun_azimuth=150.0,
            source="stac",
            azimuth_check="agrees",
        ),
        cloud=CloudResult(method="spectral", cloud_fraction=0.1, shadow_fraction=0.0, nodata_fraction=0.0),
        berths=(
            BerthState(id="b1", state="occupied", clear_fraction=1.0, detection_ids=("d1",), verified=False),
        ),
        detections=(ship(),) if ships is None else ships,
        site="quay",
        footprint=((132.88, 42.69), (132.92, 42.69), (132.92, 42.71), (132.88, 42.71)),
    )


def refused_scene(scene_id: str = "s2") -> SceneResult:
    return SceneResult(
        schema_version="1",
        scene_id=scene_id,
        datetime=None,
        platform=None,
        gsd=None,
        crs=None,
        inputs=(),
        software=Software(version="0", models={}, config_sha256="2" * 64),
        status="refused",
        reason=Refused(code="corrupt", message="cut off after 12 bytes"),
    )


def visits(name: str | None = "Alpha") -> VisitsDocument:
    visit = Visit(
        visit_id="V-2024-08-10-b1",
        site="quay",
        berth_id="b1",
        identity=(Identity(imo=9000001, name=name, probability=0.8),),
        arrival_window=(NOON - timedelta(days=1), NOON),
        departure_window=(NOON, None),
        scene_ids=("s1",),
        evidence="single-laden",
        arrival=None,
        departure=Fill(fraction=0.8, interval90=(0.65, 0.95)),
        cargo_loaded=Estimate(value=3700.0, sigma=450.0, interval90=(2900.0, 4400.0)),
        status="measured",
        detection_ids=("d1",),
        budget=(("freeboard", 400.0),),
    )
    month = MonthCoverage(month="2024-08", passes=2, usable=1, days_usable=1)
    return VisitsDocument(visits=(visit,), coverage=Coverage(usable_times=(NOON,), by_month=(month,)))


def volume() -> VolumeDocument:
    some = Quantiles(p05=20_000.0, p50=27_654.321, p95=33_000.0)
    none = Quantiles(p05=0.0, p50=0.0, p95=0.0)
    return VolumeDocument(
        period=Period(start=NOON, end=NOON + timedelta(days=1)),
        product=Product(name="diesel", density15=840.0, density15_sigma=6.0),
        seed=1,
        draws=10,
        barrels=Barrels(measured=some, imputed=none, unseen=none, baseline=some, total=some),
        visits=VisitCounts(seen=1, unseen=none),
        cap=(
            CapYear(
                year=2024,
                limit=500_000.0,
                baseline_crossed_on=None,
                probability_crossed_by=(CrossingProbability(date="2024-08-31", probability=0.0),),
            ),
        ),
        un_designated=Designated(visits=0.8, share=0.8),
        by_visit=(
            VisitBarrels(
                visit_id="V-2024-08-10-b1",
                barrels=some,
                budget=(BudgetTerm(term="freeboard", sigma_barrels=3000.0),),
            ),
        ),
    )
