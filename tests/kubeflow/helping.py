"""The test's own small pipelines: what touches the cluster's store does so from a pod, as all else does there.

So nobody who runs the test needs to reach the store, and the settings that the pods get are tested with it. The
steps run in the project's images, which hold no tests: each brings its own source along, and takes the rest from
`components`.

`python -m tests.kubeflow.helping FOLDER` compiles them, with the placements that FOOTPRINTS_NODE_POOLS names.
"""

import sys
from pathlib import Path

from kfp import compiler, dsl

from components.base_images import CPU_IMAGE, GPU_IMAGE
from pipelines.placement import gpus_of, place

LIGHT_STAGE = "check_inputs"
"""Whose placement the light steps here have."""

GPU_STAGES = ("train_unet", "detect_scenes")
"""Stages whose placement on GPUs is looked at: several in one pod, and one for each shard."""


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def prepare(place: str, data_root: str, scenes: int, size_px: int, seed: int) -> None:
    """See that the cluster's settings are mounted and its store does what the pipelines need; put scenes there."""
    import os

    from components.core import storage
    from components.core.errors import ConfigError, StorageError
    from components.core.geometry import Size
    from components.core.step import step
    from components.core.storage.mounted import DATA_ROOT_VARIABLE
    from components.sample_scenes.sample_scenes import Request, generate

    with step():
        own = os.environ.get(DATA_ROOT_VARIABLE, "").strip()
        if not own:
            raise ConfigError(
                f"{DATA_ROOT_VARIABLE}: is not set; the ConfigMap footprints-storage is missing in the steps' "
                "namespace, or lacks it: kubectl apply --server-side --kustomize manifests/overlays/OVERLAY"
            )
        if storage.absolute_uri(own) != storage.absolute_uri(data_root):
            raise ConfigError(
                f"{DATA_ROOT_VARIABLE}: the cluster's is {own!r}, and the test took it for {data_root!r}; say "
                f"{DATA_ROOT_VARIABLE}={own} make test-kubeflow"
            )
        note, text = storage.join_uri(place, "note.txt"), b"written and read by make test-kubeflow\n"
        storage.write_bytes(note, text)
        listed = [found.uri for found in storage.list_objects(place)]
        if storage.read_bytes(note) != text or note not in listed:
            raise StorageError(f"{note}: was written and is not there, or has another content; see to the store")
        storage.delete(note)
        if storage.exists(note):
            raise StorageError(f"{note}: was deleted and is there still; see to the store")
        imagery = storage.join_uri(place, "imagery")
        generate(imagery, Request(("austin",), scenes, Size(size_px, size_px), seed=seed), workers=1)


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def look(place: str, scenes: int, changed: int, artifacts: list, change_with_seed: int = -1) -> None:
    """See that a detection left a whole collection and that some artifacts are there; then change an image.

    What is expected is counted in scenes: how many the collection has, and how many of them are others than at the last
    look. A seed of 0 or more changes the first image. Whatever is not as expected is told, all at once.
    """
    import io
    import json
    import tempfile

    import pyarrow.parquet as pq

    from components.core import storage
    from components.core.collection.ledger import Collection
    from components.core.errors import DataError
    from components.core.geometry import Size
    from components.core.step import step
    from components.sample_scenes.sample_scenes import Request, generate

    with step():
        collection, faults = Collection(storage.join_uri(place, "collection")), []
        marks = {mark.scene: mark for mark in collection.marks()}
        stems = {scene: mark.stem for scene, mark in marks.items()}
        if len(stems) != scenes:
            faults.append(f"the ledger has {len(stems)} scenes, not {scenes}")
        for mark in marks.values():
            for name in collection.read(mark).files.values():
                if not storage.exists(storage.join_uri(collection.scene_folder(mark), name)):
                    faults.append(f"{name} of scene {mark.scene} is missing")
        layer = json.loads(storage.read_bytes(collection.place("layer.json")))
        if {part["scene"]: part["mark"] for part in layer["partitions"]} != stems or layer["unsettled"]:
            faults.append("the layer is not made from the scenes that the ledger has")
        for scene in stems:
            schema = pq.read_schema(io.BytesIO(storage.read_bytes(collection.partition(scene))))
            if b"geo" not in (schema.metadata or {}):
                faults.append(f"the layer's part of scene {scene} is not a GeoParquet")
        if list(storage.list_objects(collection.place("parts"))):
            faults.append("what the shards left for publication is there still")
        if not storage.is_folder(collection.place("reports")):
            faults.append("there is no report")
        faults += [f"{uri} is missing" for uri in artifacts if not (storage.exists(uri) or storage.is_folder(uri))]
        seen = storage.join_uri(place, "seen.json")
        before = json.loads(storage.read_bytes(seen)) if storage.exists(seen) else {}
        others = sorted(scene for scene, stem in stems.items() if before.get(scene) != stem)
        if len(others) != changed:
            faults.append(f"{len(others)} scenes are new or others than before ({', '.join(others)}), not {changed}")
        if faults:
            raise DataError(f"{collection.output_uri}: {'; '.join(faults)}")
        storage.write_bytes(seen, json.dumps(stems).encode())
        if change_with_seed >= 0:
            record = collection.read(min(marks.values()))
            with tempfile.TemporaryDirectory() as folder:
                size = Size(record.height, record.width)
                generate(folder, Request(("austin",), 1, size, seed=change_with_seed), workers=1)
                image = storage.join_uri(folder, "images", "austin1.tif")
                storage.write_bytes(record.uri, storage.read_bytes(image))


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def remove(places: list) -> None:
    """Remove everything below some folders of the store."""
    from components.core import storage
    from components.core.errors import StorageError
    from components.core.step import step

    with step():
        for place in places:
            for found in list(storage.list_objects(place)):
                storage.delete(found.uri)
            if list(storage.list_objects(place)):
                raise StorageError(f"{place}: something is there still; remove it by hand")


@dsl.component(base_image=GPU_IMAGE, install_kfp_package=False)
def see_gpus(gpus: int = 0) -> None:
    """Compute something on every GPU that the step was placed on."""
    import torch

    from components.core.errors import DataError
    from components.core.network.gpus import usable_devices

    for number in usable_devices(gpus, named=()):
        ones = torch.ones(64, 64, device=f"cuda:{number}")
        if float((ones @ ones).sum()) != 64**3:
            raise DataError(f"cuda:{number}: computes wrongly; see to the node's driver")


@dsl.pipeline(name="footprints-test-prepare")
def preparing(place_uri: str, data_root: str, scenes: int, size_px: int, seed: int) -> None:
    done = prepare(place=place_uri, data_root=data_root, scenes=scenes, size_px=size_px, seed=seed)
    place(done, LIGHT_STAGE, "See settings and store, put scenes")


@dsl.pipeline(name="footprints-test-look")
def looking(place_uri: str, scenes: int, changed: int, artifacts: list, change_with_seed: int = -1) -> None:
    done = look(place=place_uri, scenes=scenes, changed=changed, artifacts=artifacts, change_with_seed=change_with_seed)
    place(done, LIGHT_STAGE, "Look at the collection")


@dsl.pipeline(name="footprints-test-remove")
def removing(places: list) -> None:
    place(remove(places=places), LIGHT_STAGE, "Remove what the test wrote")


@dsl.pipeline(name="footprints-test-gpus")
def gpus() -> None:
    for stage in GPU_STAGES:
        seen = see_gpus(**gpus_of(stage))
        place(seen, stage, f"As {stage} is placed")


HELPERS = {"preparing": preparing, "looking": looking, "removing": removing, "gpus": gpus}
"""Every pipeline here by the name of its file."""


def compile_helpers(folder: Path) -> list[Path]:
    """Compile them all; gives the files."""
    files = [folder / f"{name}.yaml" for name in HELPERS]
    for file in files:
        compiler.Compiler().compile(HELPERS[file.stem], str(file))
    return files


if __name__ == "__main__":
    sys.stdout.writelines(f"{file}\n" for file in compile_helpers(Path(sys.argv[1])))
