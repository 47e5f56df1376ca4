"""What is mutated, how the product is given it, and what must hold of its answer."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from affine import Affine
from rasterio.crs import CRS

from components.core.collection.plan import DetectionReason, PlannedScene
from components.core.documents.inference import load_config as load_inference_config
from components.core.documents.inference_modes import MODES
from components.core.documents.labels import LabelsConfig
from components.core.documents.training import load_config as load_train_config
from components.core.documents.tutorial import (
    INFERENCE_CONFIG,
    TRAIN_CONFIG,
)
from components.core.dtl.run import execute_query
from components.core.errors import DataError
from components.core.geometry import Size
from components.core.network.model_artifact import load_model
from components.core.project import open_project
from components.core.skip_budget import Skipped
from components.core.vectors.files import names_vector
from components.import_images.import_images import import_images
from components.plan_imagery.capture_date import date_pattern
from components.plan_imagery.headers import read_headers
from components.plan_imagery.sources import find_images
from tests.builders import noise, scene_project, write_raster, write_scene, write_tiled
from tests.components.core.vectors.layers import write_layer
from tests.detection.bright_model import save_bright_model
from tests.fuzzing.catalogues import Catalogues
from tests.fuzzing.mutations import ODD_VALUES, mutated_bytes, mutated_json
from tests.fuzzing.queries import Queries
from tests.fuzzing.results import check_figure, checked_items, read_all

LABELS_CRS = "EPSG:32633"
LABELS_PLACE = Affine(0.5, 0, 500_000, 0, -0.5, 5_300_000)
OTHER_FORMATS = (".geojson", ".geojsonl", ".gpkg", ".fgb", ".parquet", ".zip")

SIZE = Size(64, 48)
TILE = 16


class Kind(Protocol):
    """One kind of input."""

    name: str

    def prepare(self, folder: Path) -> None:
        """Make what mutations start from."""

    def attempt(self, folder: Path, draw: random.Random) -> None:
        """Give the product one mutation.

        Args:
            folder: An empty one for the case.
            draw: Of all that is random.

        Raises:
            FootprintsError: As the product does.
            AssertionError: If it gave a result that cannot be true.
        """


class Rasters:
    """One image of two is broken: the other is imported and planned, whatever becomes of it."""

    name = "rasters"

    def prepare(self, folder: Path) -> None:
        pixels = noise(SIZE)
        tiles = {"tile": TILE, "compress": "deflate"}
        write_tiled(folder / "tiled.tif", pixels, **tiles)
        write_raster(folder / "strips.tif", pixels[0].astype(np.uint16) * 200)
        write_raster(folder / "floats.tif", pixels[0].astype(np.float32) / 255, nodata=-1.0, compress="lzw")
        write_raster(folder / "four.tif", np.concatenate([pixels, pixels[:1]]), **tiles)
        write_raster(folder / "palette.png", pixels[0] % 4, colormap={i: (i, 9 * i, 7, 255) for i in range(4)})
        write_raster(folder / "grey.png", pixels[0])
        write_raster(folder / "photo.jpg", pixels)
        write_tiled(folder / "good" / "good.tif", pixels, **tiles)
        self.seeds = sorted(path for path in folder.iterdir() if path.is_file())
        self.good = folder / "good" / "good.tif"

    def attempt(self, folder: Path, draw: random.Random) -> None:
        seed = draw.choice(self.seeds)
        images = folder / "images"
        images.mkdir()
        shutil.copy(self.good, images)
        (images / f"bad{seed.suffix}").write_bytes(mutated_bytes(seed.read_bytes(), draw))
        check_import(images, "", folder)
        check_plan(images)


def check_import(images: Path, masks: Path | str, folder: Path) -> None:
    """Import two images of which one may be broken; the good one is always there, and the counts are true."""
    project = folder / "project"
    report = import_images(str(images), str(masks), project, data_root=str(folder / "data"), max_bad=1, workers=1)
    items = {item.name: item for item in checked_items(open_project(project))}
    assert len(items) == report.items == 2 - len(report.skipped), "the report says another number of items"
    assert "good" in items, "the good image is missing"
    for item in items.values():
        try:
            read_all(item)
        except DataError:
            stayed = item.image is not None and Path(item.image.uri).parent == images
            assert stayed, f"{item.key}: what the import wrote cannot be read"
    for file in (folder / "data").rglob("*"):
        assert not file.name.startswith("."), f"{file.name} is left over"


def check_plan(images: Path) -> None:
    """Plan both; the good one can be done."""
    found = find_images(str(images), str(images / "nowhere"))
    todo = [(entry, DetectionReason.NEW) for entry in found if not isinstance(entry, Skipped)]
    planned = list(read_headers(todo, date_pattern("")))
    assert len(planned) == len(todo)
    scenes = [entry.key for entry in planned if isinstance(entry, PlannedScene)]
    assert "good.tif" in scenes, "the good image is not planned"
    assert all(entry.reason for entry in planned if isinstance(entry, Skipped))


class Masks:
    """The mask of one scene of two is broken."""

    name = "masks"

    def prepare(self, folder: Path) -> None:
        _, mask = write_scene(folder, "good", SIZE, 1)
        write_scene(folder, "bad", SIZE, 2)
        white = mask.astype(np.uint8) * 255
        write_tiled(folder / "seeds" / "tiled.tif", white, tile=TILE, compress="deflate")
        write_raster(folder / "seeds" / "strips.tif", white, compress="lzw")
        write_raster(folder / "seeds" / "bilevel.tif", mask.astype(np.uint8), nbits=1)
        write_raster(folder / "seeds" / "grey.png", white)
        write_raster(folder / "seeds" / "palette.png", mask.astype(np.uint8), colormap={0: (0, 0, 0), 1: (255, 0, 0)})
        self.folder = folder
        self.seeds = sorted((folder / "seeds").iterdir())

    def attempt(self, folder: Path, draw: random.Random) -> None:
        seed = draw.choice(self.seeds)
        shutil.copytree(self.folder / "images", folder / "images")
        masks = folder / "masks"
        masks.mkdir()
        shutil.copy(self.folder / "gt" / "good.tif", masks)
        (masks / f"bad{seed.suffix}").write_bytes(mutated_bytes(seed.read_bytes(), draw))
        check_import(folder / "images", masks, folder)
        for item in open_project(folder / "project"):
            for entry in item.objects:
                canvas = np.zeros((item.size.height, item.size.width), np.uint8)
                try:
                    entry.figure.draw(canvas, 1)
                except DataError:
                    continue
                assert canvas.any(), f"{item.key}: an object without a pixel"


class Labels:
    """A vector file of labels is broken."""

    name = "labels"

    def prepare(self, folder: Path) -> None:
        for name in ("good", "other"):
            write_tiled(
                folder / "images" / f"{name}.tif", noise(SIZE), tile=TILE, crs=LABELS_CRS, transform=LABELS_PLACE
            )
        shapes = [shapely.box(4, 4, 20, 30), shapely.Point(34, 40).buffer(9), shapely.box(30, 2, 60, 12)]
        shapes[0] = shapes[0].difference(shapely.box(8, 8, 12, 12))
        placed = [shapely.transform(shape, self._on_map) for shape in shapes]
        for name in ("a.geojson", "a.geojsonl", "a.gpkg", "a.fgb", "a.parquet", "a.shp", "a.zip"):
            write_layer(folder / "labels" / name, placed, LABELS_CRS, kind=["roof", "roof", None])
        self.folder = folder
        self.seeds = [path for path in sorted((folder / "labels").iterdir()) if names_vector(path.name)]

    @staticmethod
    def _on_map(points: np.ndarray) -> np.ndarray:
        return np.column_stack(LABELS_PLACE @ tuple(points.T))

    def attempt(self, folder: Path, draw: random.Random) -> None:
        labels, seed = folder / "labels", draw.choice(self.seeds)
        labels.mkdir()
        for beside in self.seeds[0].parent.glob(f"{seed.stem}.*"):
            if seed.suffix == ".shp" and beside.suffix not in OTHER_FORMATS:
                content = beside.read_bytes()
                (labels / beside.name).write_bytes(mutated_bytes(content, draw) if draw.random() < 0.4 else content)
        if seed.suffix != ".shp":
            (labels / seed.name).write_bytes(mutated_bytes(seed.read_bytes(), draw))
        attribute = draw.choice(("", "kind"))
        config = LabelsConfig(labels_uri=str(labels / seed.name), label_attribute=attribute)
        project, data = folder / "project", folder / "data"
        report = import_images(
            str(self.folder / "images"), "", project, data_root=str(data), max_bad=1, workers=1, labels=config
        )
        items = checked_items(open_project(project))
        assert len(items) == report.items == 2 - len(report.skipped), "the report says another number of items"
        for item in items:
            for entry in item.objects:
                check_figure(entry.figure, item.size)
                entry.figure.draw(np.zeros((item.size.height, item.size.width), np.uint8), 1)


class SideFiles:
    """A side file of one image of two is broken."""

    name = "side-files"

    def prepare(self, folder: Path) -> None:
        pixels = noise(SIZE)
        write_tiled(folder / "good.tif", pixels, tile=TILE)
        write_raster(folder / "bad.tif", pixels, tile=TILE)
        write_raster(folder / "bad.png", pixels)
        write_raster(folder / "mask.tif", np.full((SIZE.height, SIZE.width), 255, np.uint8), tile=TILE)
        self.folder = folder
        wkt = CRS.from_epsg(32633).to_wkt()
        self.texts = {
            ".tif.aux.xml": "<PAMDataset><SRS>EPSG:32633</SRS><GeoTransform>500000, 0.5, 0, 5300000, 0, -0.5"
            '</GeoTransform><PAMRasterBand band="1"><NoDataValue>0</NoDataValue></PAMRasterBand></PAMDataset>',
            ".tfw": "0.5\n0\n0\n-0.5\n500000.25\n5299999.75\n",
            ".prj": wkt,
        }

    def attempt(self, folder: Path, draw: random.Random) -> None:
        images = folder / "images"
        images.mkdir()
        shutil.copy(self.folder / "good.tif", images)
        shutil.copy(self.folder / "bad.tif", images)
        for suffix, text in self.texts.items():
            content = text.encode()
            (images / f"bad{suffix}").write_bytes(mutated_bytes(content, draw) if draw.random() < 0.6 else content)
        if draw.random() < 0.4:
            (images / f"bad.tif.{draw.choice(('msk', 'ovr'))}").write_bytes(
                mutated_bytes((self.folder / "mask.tif").read_bytes(), draw)
            )
        check_import(images, "", folder)
        check_plan(images)


class Manifests:
    """A project's files are broken, or say what cannot be."""

    name = "manifests"

    def prepare(self, folder: Path) -> None:
        self.project = scene_project(folder, ("austin1", "austin2", "vienna1"), SIZE, "INRIA")
        self.query = json.dumps(
            [
                {"action": "data", "src": ["INRIA/*"], "dst": "$a", "settings": {"classes_mapping": "default"}},
                {"action": "flip", "src": ["$a"], "dst": "$b", "settings": {"axis": "vertical"}},
                {"action": "supervisely", "src": ["$b"], "dst": "out", "settings": {}},
            ]
        )

    def attempt(self, folder: Path, draw: random.Random) -> None:
        project = folder / "INRIA"
        shutil.copytree(self.project, project)
        file = draw.choice(sorted(project.iterdir()))
        if file.suffix == ".parquet":
            if draw.random() < 0.6:
                self._tampered(file, draw)
            else:
                file.write_bytes(mutated_bytes(file.read_bytes(), draw))
        else:
            file.write_text(mutated_json(json.loads(file.read_text()), draw), errors="replace")
        run = execute_query(self.query, [project], folder / "out", max_bad=2, workers=1)
        items = checked_items(open_project(folder / "out"))
        assert len(items) == run.result.written, "the run says another number of items"
        for item in items:
            read_all(item)

    def _tampered(self, file: Path, draw: random.Random) -> None:
        """A whole Parquet file with one odd value in a row."""
        table = pq.read_table(file)
        rows = table.to_pylist()
        row = draw.choice(rows)
        text = mutated_json(row, draw) if _is_json(row) else None
        changed: Any = json.loads(text) if text is not None and _parses(text) else _with_odd_value(row, draw)
        rows[rows.index(row)] = changed
        try:
            pq.write_table(pa.Table.from_pylist(rows, table.schema), file)
        except (pa.ArrowException, TypeError, ValueError, OverflowError, UnicodeError, AttributeError):
            file.write_bytes(mutated_bytes(file.read_bytes(), draw))


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _with_odd_value(row: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    return {**row, draw.choice(sorted(row)): draw.choice(ODD_VALUES)}


class Models:
    """A model folder is broken."""

    name = "models"

    def prepare(self, folder: Path) -> None:
        self.model = save_bright_model(folder / "model")

    def attempt(self, folder: Path, draw: random.Random) -> None:
        model = folder / "model"
        shutil.copytree(self.model, model)
        config, weights = model / "config.json", model / "model.safetensors"
        if draw.random() < 0.5:
            config.write_text(mutated_json(json.loads(config.read_text()), draw), errors="replace")
        else:
            weights.write_bytes(mutated_bytes(weights.read_bytes(), draw))
        loaded = load_model(model)
        assert loaded.config.size.area > 0, f"an input size of {loaded.config.size}"
        assert len(loaded.config.classes) > 1


class Configs:
    """A config as somebody changed it."""

    name = "configs"

    def prepare(self, folder: Path) -> None:
        self.train, infer = (json.loads(file.read_text()) for file in (TRAIN_CONFIG, INFERENCE_CONFIG))
        sides = {"left": "10px", "top": "5%", "right": "0px", "bottom": "12.5%"}
        modes: list[dict[str, Any]] = [
            {"source": "full_image", "flips": "both"},
            {"source": "roi", "bounds": sides, "save": True, "class_name": "roi"},
            {"source": "bboxes", "from_classes": ["untitled"], "padding": sides, "save": True, "add_suffix": "_box"},
        ]
        self.infer = [infer, *(infer | {"mode": mode} for mode in modes)]

    def attempt(self, folder: Path, draw: random.Random) -> None:
        if draw.random() < 0.5:
            train = load_train_config(mutated_json(self.train, draw))
            assert train.input_size.size.area > 0
            return
        infer = load_inference_config(mutated_json(draw.choice(self.infer), draw))
        assert infer.mode.source in MODES


KINDS: dict[str, type[Any]] = {
    kind.name: kind for kind in (Rasters, Masks, Labels, SideFiles, Catalogues, Manifests, Models, Queries, Configs)
}
"""By name."""
