"""The ships of the sample season and what they load. No such ship exists.

Loads follow the hydrostatics of the load line: displacement by the Riddlesworth draught law,

    Delta(T) = rho 1.005 L B (T - (1 - Cb) Ts^(1/3) T^(2/3)),      W = DWT - (Delta(Ts) - Delta(T)),

cargo = W less consumables less residual ballast. Water at the terminal is a little fresher than at the load
line's definition.
"""

from __future__ import annotations

from dataclasses import dataclass

WATER_DENSITY = 1024.0
CONSUMABLES = 0.06
RESIDUAL = 0.006


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """A fictitious ship of the register."""

    imo: int
    name: str
    loa: float
    lbp: float
    beam: float
    depth: float
    summer_draught: float
    block: float
    dwt: float

    def displacement(self, draught: float, density: float = 1025.0) -> float:
        """Displaced mass [t]."""
        shape = (1 - self.block) * self.summer_draught ** (1 / 3) * draught ** (2 / 3)
        return float(density / 1000 * 1.005 * self.lbp * self.beam * (draught - shape))

    def deadweight(self, draught: float, density: float = WATER_DENSITY) -> float:
        """All weights on board [t]."""
        lightship = self.displacement(self.summer_draught) - self.dwt
        return self.displacement(draught, density) - lightship

    def draught_for(self, weight: float) -> float:
        """Draught at which she carries `weight` [m], by bisection."""
        low, high = 0.2 * self.summer_draught, 1.1 * self.summer_draught
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.deadweight(middle) < weight else (low, middle)
        return (low + high) / 2

    def ballast_draught(self) -> float:
        """Mean of the two formulas of the MARPOL unified interpretation for tankers under 150 m [m]."""
        return (0.2 + 0.032 * self.lbp + 1.55 + 0.023 * self.lbp) / 2


SHIPS = {
    "alpha": Particulars(
        imo=9999001,
        name="SIM ALPHA",
        loa=76.0,
        lbp=71.0,
        beam=12.4,
        depth=6.4,
        summer_draught=5.15,
        block=0.74,
        dwt=2310.0,
    ),
    "bravo": Particulars(
        imo=9999002,
        name="SIM BRAVO",
        loa=98.5,
        lbp=93.0,
        beam=16.0,
        depth=7.7,
        summer_draught=6.2,
        block=0.745,
        dwt=4983.0,
    ),
    "charlie": Particulars(
        imo=9999003,
        name="SIM CHARLIE",
        loa=113.0,
        lbp=106.5,
        beam=18.2,
        depth=9.1,
        summer_draught=7.1,
        block=0.76,
        dwt=7460.0,
    ),
}
BYSTANDERS = (
    (9999004, "SIM DELTA", 87.0, 13.6, 3300.0),
    (9999005, "SIM ECHO", 128.0, 20.4, 11200.0),
)
VISITS = {"v1": ("bravo", 0.93), "v2": ("alpha", 0.90), "v3": ("charlie", 0.86), "v4": ("bravo", 0.78)}
"""Ship and load fraction at departure."""


def cargo_of(visit: str) -> float:
    """Cargo at departure [t]."""
    name, fraction = VISITS[visit]
    return fraction * SHIPS[name].dwt * (1 - CONSUMABLES)


def register_rows() -> list[str]:
    """The fleet CSV with the contract's columns."""
    rows = [
        "imo,name,former_names,flag,ship_type,dwt,loa,beam,depth,summer_draught,built,"
        "un_designated,un_designation_date,source"
    ]
    for ship in SHIPS.values():
        listed = ("yes", "2018-03-30") if ship.name == "SIM BRAVO" else ("no", "")
        rows.append(
            f"{ship.imo},{ship.name},,,oil products tanker,{ship.dwt:.0f},{ship.loa},{ship.beam},"
            f"{ship.depth},{ship.summer_draught},,{listed[0]},{listed[1]},simulated"
        )
    for imo, name, loa, beam, dwt in BYSTANDERS:
        rows.append(f"{imo},{name},,,oil products tanker,{dwt:.0f},{loa},{beam},,,,no,,simulated")
    return rows
