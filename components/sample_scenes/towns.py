"""The five towns as data: where they lie, how their streets run, what stands in their blocks, and their colours."""

from __future__ import annotations

from dataclasses import dataclass

from components.core.errors import ConfigError
from components.sample_scenes.scenery import RGB, Material


@dataclass(frozen=True)
class Streets:
    """Street lattice of a town, in metres and degrees.

    Attributes:
        block_m: (height, width) of a lattice cell before it is bent.
        jitter: how far a crossing may stray, as a share of the cell.
        bend_m: amplitude of the slow bending of all streets.
        turn_deg: the lattice is turned by up to this much either way.
        width_m: carriageway of an ordinary street; avenues are 1.7 times as wide.
        sidewalk_m: pavement on either side, 0 for none.
        present: share of lattice edges that carry a street.
        avenues: share of lattice lines that are avenues.
        color: surface of the carriageway.
    """

    block_m: tuple[float, float]
    jitter: float
    bend_m: float
    turn_deg: float
    width_m: float
    sidewalk_m: float
    present: float
    avenues: float
    color: RGB


@dataclass(frozen=True)
class Lots:
    """How detached houses sit on their lots; every pair is a range in metres.

    Attributes:
        front_m: width of a lot along the street.
        setback_m: from the street to the house.
        house_m: long side of a house.
        depth_m: short side of a house.
        across: share of houses whose long side runs away from the street.
        askew_deg: how far a house may turn against its lot.
        empty: share of lots without a house.
        garage: share of lots with a garage at the back.
        shed: share with a shed.
        pool: share with a pool.
        decoy: share with a paved yard, deck or tarp in the colours of roofs.
        driveway: share with a driveway.
        trees: mean number of trees on a lot.
    """

    front_m: tuple[float, float]
    setback_m: tuple[float, float]
    house_m: tuple[float, float]
    depth_m: tuple[float, float]
    across: float
    askew_deg: float
    empty: float
    garage: float
    shed: float
    pool: float
    decoy: float
    driveway: float
    trees: float


@dataclass(frozen=True)
class Palette:
    """Colours of a town: RGB when level and sunlit."""

    pitched: tuple[RGB, ...]
    pitched_material: Material
    pitch_deg: tuple[float, float]
    flat: tuple[RGB, ...]
    grass: tuple[RGB, ...]
    soil: RGB
    concrete: RGB
    forest_floor: RGB


@dataclass(frozen=True)
class Town:
    """Style of one town.

    Attributes:
        epsg: coordinate reference system of its scenes.
        west_m: easting of the left edge of scene 1.
        north_m: northing of the top edge of scene 1.
        land: weight of each kind of block, by name of a function of `blocks.KINDS`.
        shapes: weight of each roof shape of detached houses.
        species: weight of each species of tree.
        sun: (azimuth, elevation) in degrees; scenes differ from it by a few degrees.
        haze: added to every channel, as of a hazy atmosphere.
        contrast: multiplies the contrast around mid-grey.
    """

    name: str
    epsg: int
    west_m: float
    north_m: float
    streets: Streets
    lots: Lots
    palette: Palette
    land: dict[str, float]
    shapes: dict[str, float]
    species: dict[str, float]
    sun: tuple[float, float]
    haze: RGB
    contrast: float


AUSTIN = Town(
    name="austin",
    epsg=26914,
    west_m=616500.0,
    north_m=3345000.0,
    streets=Streets((98.0, 150.0), 0.1, 26.0, 40.0, 9.0, 1.4, 0.93, 0.16, (112, 112, 114)),
    lots=Lots((17, 24), (7, 11), (15, 20), (9.5, 13), 0.2, 3, 0.05, 0.12, 0.3, 0.1, 0.5, 0.9, 5.5),
    palette=Palette(
        pitched=(
            (124, 112, 104),
            (140, 130, 124),
            (104, 98, 98),
            (158, 138, 118),
            (176, 172, 168),
            (134, 104, 88),
            (196, 196, 194),
            (92, 90, 96),
        ),
        pitched_material=Material.SHINGLE,
        pitch_deg=(20, 30),
        flat=((206, 206, 202), (182, 180, 174), (150, 148, 144), (226, 226, 224), (168, 158, 144)),
        grass=((116, 118, 86), (128, 120, 92), (106, 114, 78), (140, 128, 102)),
        soil=(156, 138, 112),
        concrete=(188, 182, 168),
        forest_floor=(112, 104, 84),
    ),
    land={"houses": 0.66, "commerce": 0.1, "estate": 0.08, "park": 0.05, "sports": 0.04, "woods": 0.07},
    shapes={"L": 0.3, "hip": 0.25, "gable": 0.25, "T": 0.12, "U": 0.08},
    species={"bare": 0.42, "broadleaf": 0.42, "olive": 0.16},
    sun=(152.0, 46.0),
    haze=(6, 6, 6),
    contrast=1.0,
)

CHICAGO = Town(
    name="chicago",
    epsg=26916,
    west_m=441000.0,
    north_m=4639500.0,
    streets=Streets((184.0, 100.0), 0.0, 0.0, 1.5, 10.0, 3.6, 1.0, 0.14, (138, 138, 132)),
    lots=Lots((10.5, 13), (5, 8), (15, 20), (7.6, 9.2), 1.0, 0, 0.08, 0.62, 0.05, 0.02, 0.4, 0.0, 1.8),
    palette=Palette(
        pitched=(
            (120, 106, 94),
            (96, 92, 90),
            (142, 128, 110),
            (110, 84, 72),
            (78, 78, 80),
            (150, 146, 140),
            (132, 114, 92),
        ),
        pitched_material=Material.SHINGLE,
        pitch_deg=(22, 34),
        flat=((172, 174, 170), (206, 208, 206), (120, 120, 118), (84, 84, 84), (146, 140, 130), (228, 230, 228)),
        grass=((94, 114, 72), (106, 120, 80), (84, 104, 66)),
        soil=(150, 142, 120),
        concrete=(176, 174, 160),
        forest_floor=(92, 96, 66),
    ),
    land={"terraces": 0.72, "commerce": 0.09, "industry": 0.08, "estate": 0.04, "park": 0.04, "sports": 0.03},
    shapes={"gable": 0.55, "hip": 0.3, "T": 0.08, "L": 0.07},
    species={"broadleaf": 0.55, "fresh": 0.25, "bare": 0.2},
    sun=(148.0, 52.0),
    haze=(0, 2, 0),
    contrast=1.08,
)

KITSAP = Town(
    name="kitsap",
    epsg=26910,
    west_m=518000.0,
    north_m=5270000.0,
    streets=Streets((112.0, 160.0), 0.18, 36.0, 45.0, 7.5, 0.0, 0.76, 0.06, (118, 118, 116)),
    lots=Lots((20, 32), (8, 16), (13, 20), (8.5, 12), 0.3, 12, 0.16, 0.2, 0.4, 0.02, 0.4, 0.9, 9.0),
    palette=Palette(
        pitched=((104, 100, 96), (128, 120, 110), (88, 86, 88), (116, 92, 78), (146, 144, 140), (92, 104, 98)),
        pitched_material=Material.SHINGLE,
        pitch_deg=(20, 32),
        flat=((176, 176, 172), (200, 200, 196), (140, 138, 134)),
        grass=((96, 110, 72), (110, 116, 80), (118, 114, 84), (86, 100, 64)),
        soil=(136, 122, 98),
        concrete=(170, 168, 160),
        forest_floor=(52, 62, 42),
    ),
    land={"woods": 0.24, "houses": 0.58, "meadow": 0.08, "commerce": 0.06, "sports": 0.02, "lake": 0.02},
    shapes={"L": 0.3, "gable": 0.4, "hip": 0.15, "T": 0.15},
    species={"conifer": 0.74, "broadleaf": 0.2, "olive": 0.06},
    sun=(168.0, 50.0),
    haze=(4, 8, 12),
    contrast=0.96,
)

TYROL_W = Town(
    name="tyrol-w",
    epsg=31254,
    west_m=61500.0,
    north_m=238500.0,
    streets=Streets((84.0, 112.0), 0.2, 28.0, 45.0, 5.5, 0.0, 0.76, 0.08, (150, 148, 146)),
    lots=Lots((18, 27), (4, 9), (13, 19), (10.5, 14), 0.5, 22, 0.1, 0.15, 0.35, 0.04, 0.45, 0.75, 4.0),
    palette=Palette(
        pitched=((118, 88, 72), (142, 96, 76), (98, 86, 80), (166, 116, 92), (128, 118, 112), (86, 76, 72)),
        pitched_material=Material.TILE,
        pitch_deg=(22, 30),
        flat=((168, 164, 158), (196, 192, 186), (138, 134, 130)),
        grass=((108, 132, 70), (120, 138, 80), (98, 122, 64), (132, 144, 88)),
        soil=(156, 140, 112),
        concrete=(186, 182, 176),
        forest_floor=(48, 58, 40),
    ),
    land={"houses": 0.58, "meadow": 0.2, "woods": 0.11, "snowfield": 0.03, "industry": 0.05, "sports": 0.03},
    shapes={"gable": 0.74, "hip": 0.08, "L": 0.1, "T": 0.08},
    species={"conifer": 0.5, "broadleaf": 0.42, "fresh": 0.08},
    sun=(200.0, 54.0),
    haze=(4, 6, 10),
    contrast=1.04,
)

VIENNA = Town(
    name="vienna",
    epsg=31256,
    west_m=-1500.0,
    north_m=343500.0,
    streets=Streets((76.0, 98.0), 0.13, 14.0, 35.0, 11.0, 3.0, 0.97, 0.16, (122, 120, 120)),
    lots=Lots((15, 21), (4, 7), (12, 16), (9, 12), 0.4, 4, 0.08, 0.2, 0.35, 0.08, 0.45, 0.5, 3.0),
    palette=Palette(
        pitched=(
            (152, 102, 82),
            (138, 92, 76),
            (160, 114, 94),
            (124, 86, 72),
            (112, 102, 97),
            (136, 122, 112),
            (166, 128, 108),
        ),
        pitched_material=Material.TILE,
        pitch_deg=(32, 42),
        flat=((166, 164, 160), (190, 188, 182), (136, 134, 132), (124, 142, 116), (210, 208, 204)),
        grass=((98, 120, 66), (110, 126, 76), (88, 108, 60)),
        soil=(164, 150, 124),
        concrete=(178, 174, 166),
        forest_floor=(80, 88, 58),
    ),
    land={"perimeter": 0.7, "houses": 0.1, "estate": 0.07, "park": 0.06, "commerce": 0.04, "sports": 0.03},
    shapes={"gable": 0.45, "hip": 0.35, "L": 0.12, "T": 0.08},
    species={"broadleaf": 0.72, "fresh": 0.18, "olive": 0.1},
    sun=(158.0, 48.0),
    haze=(8, 8, 10),
    contrast=0.98,
)

TOWNS: dict[str, Town] = {town.name: town for town in (AUSTIN, CHICAGO, KITSAP, TYROL_W, VIENNA)}


def town(name: str) -> Town:
    """Style of a town by its name.

    Raises:
        ConfigError: If there is no such town.
    """
    if name not in TOWNS:
        raise ConfigError(f"towns: '{name}' is not a sample town; use some of {', '.join(TOWNS)}")
    return TOWNS[name]
