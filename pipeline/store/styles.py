"""Styles inside the GeoPackage, so that QGIS opens it coloured and labelled (table `layer_styles`)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from xml.sax.saxutils import quoteattr

_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256),
    styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
    owner TEXT(30), ui TEXT(30), update_time DATETIME DEFAULT CURRENT_TIMESTAMP
)
"""
_EPOCH = "1970-01-01T00:00:00.000Z"

# Okabe and Ito's palette, told apart with any colour vision
_CATEGORIES: dict[str, tuple[str, tuple[tuple[str, str, str], ...]]] = {
    "scenes": ("status", (("ok", "86,180,233,0", "used"), ("refused", "213,94,0,18", "refused"))),
    "berth_states": (
        "state",
        (
            ("occupied", "0,114,178,70", "occupied"),
            ("clear-empty", "0,158,115,45", "clear and empty"),
            ("obscured", "153,153,153,70", "hidden by cloud"),
            ("not-imaged", "255,255,255,0", "not imaged"),
        ),
    ),
    "detections": (
        "kind",
        (
            ("tanker", "230,159,0,110", "tanker"),
            ("other", "86,180,233,90", "other ship"),
            ("unknown", "204,121,167,90", "not known"),
        ),
    ),
    "visits": (
        "status",
        (("measured", "0,158,115,255", "measured"), ("imputed", "240,228,66,255", "imputed")),
    ),
    "volumes": ("scope", (("visit", "0,114,178,255", "barrels of a visit"),)),
}
_LABELS = {
    "detections": 'coalesce("name" || \'? \' || round(100 * "identity_probability") || \' %\', "kind")'
    " || coalesce('\\n' || round(100 * \"fraction\") || ' % full', '')",
    "visits": "visit_id",
    "volumes": "format_number(round(\"barrels_p50\", -3), 0) || ' bbl'",
    "berth_states": "berth_id",
}
_POINTS = {"visits", "volumes"}
_TIMES = {"scenes": "", "berth_states": "", "detections": "", "visits": "t_end"}
"""Layers that QGIS's temporal controller plays from `t_start`: for a day, or to the end named here."""


def _symbol(name: int, colour: str, *, point: bool) -> str:
    kind, layer = ("marker", "SimpleMarker") if point else ("fill", "SimpleFill")
    options = {"color": colour, "outline_color": "35,35,35,255", "outline_width": "0.3"}
    options |= {"size": "3", "name": "circle"} if point else {"style": "solid"}
    text = "".join(f"<Option type='QString' name='{key}' value='{value}'/>" for key, value in options.items())
    older = "".join(f"<prop k='{key}' v='{value}'/>" for key, value in options.items())  # before QGIS 3.26
    return (
        f"<symbol type='{kind}' name='{name}' alpha='1'>"
        f"<layer class='{layer}' enabled='1' locked='0' pass='0'>"
        f"<Option type='Map'>{text}</Option>{older}</layer></symbol>"
    )


def style_of(layer: str) -> str:
    """QML of one layer: colours by category, a label where there is one."""
    attribute, categories = _CATEGORIES[layer]
    entries = "".join(
        f"<category symbol='{i}' value='{value}' label='{label}' render='true'/>"
        for i, (value, _, label) in enumerate(categories)
    )
    symbols = "".join(
        _symbol(i, colour, point=layer in _POINTS) for i, (_, colour, _) in enumerate(categories)
    )
    label = _LABELS.get(layer)
    labelling = (
        ""
        if label is None
        else "<labeling type='simple'><settings calloutType='simple'><text-style fontSize='8' "
        f"isExpression='1' textColor='20,20,20,255' fieldName={quoteattr(label)}>"
        "<text-buffer bufferDraw='1' bufferSize='0.8'/>"
        "</text-style></settings></labeling>"
    )
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        f"<qgis version='3.28' labelsEnabled='{int(bool(label))}'>"
        f"<renderer-v2 type='categorizedSymbol' attr='{attribute}' enableorderby='0' forceraster='0'>"
        f"<categories>{entries}</categories><symbols>{symbols}</symbols></renderer-v2>{labelling}"
        f"{_temporal(layer)}</qgis>"
    )


def _temporal(layer: str) -> str:
    """When a feature is shown, for the temporal controller."""
    if layer not in _TIMES:
        return ""
    end = _TIMES[layer]
    settings = {"enabled": "1", "mode": "2" if end else "1", "startField": "t_start", "endField": end}
    settings |= {"fixedDuration": "1", "durationUnit": "d", "durationField": "", "accumulate": "0"}
    settings |= {"startExpression": "", "endExpression": "", "limitMode": "0"}
    text = "".join(f" {name}='{value}'" for name, value in settings.items())
    return f"<temporal{text}><fixedRange><start></start><end></end></fixedRange></temporal>"


def write_styles(path: Path) -> None:
    """Add the table of styles to a GeoPackage, one default style a layer."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(_TABLE)
        db.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', ?)",
            (_EPOCH,),
        )
        db.executemany(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
            "styleName, styleQML, styleSLD, useAsDefault, description, owner, ui, update_time) "
            "VALUES ('', '', ?, 'geom', ?, ?, '', 1, 'plimsoll', '', NULL, ?)",
            [(layer, layer, style_of(layer), _EPOCH) for layer in sorted(_CATEGORIES)],
        )
