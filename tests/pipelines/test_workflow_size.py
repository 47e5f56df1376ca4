"""Estimates of a run's Workflow against Workflows measured on Kubeflow, and over every form of a pipeline."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from components.core.errors import ConfigError
from pipelines.package import PipelinePackage, read_package
from pipelines.workflow_size import MOST, most_shards, workflow_size
from pipelines.workflow_size.compiled import compiled_pipeline, json_text
from pipelines.workflow_size.run import Run
from pipelines.workflow_size.size import compressed_bytes
from tests.pipelines.sized_pipelines import choice, compile_sized, forms, labelled, line

MEASURED = Path(__file__).with_name("measured")
RUNS: list[dict[str, Any]] = json.loads((MEASURED / "runs.json").read_text(encoding="utf-8"))
ENDED = [run for run in RUNS if "died" not in run]
(DIED,) = (run for run in RUNS if "died" in run)


def measured_pipeline(name: str, folder: Path) -> PipelinePackage:
    """A pipeline as it was when it was measured."""
    file = folder / f"{name}.yaml"
    file.write_bytes(gzip.decompress((MEASURED / f"{name}.yaml.gz").read_bytes()))
    return read_package(str(file))


@pytest.mark.parametrize("run", ENDED, ids=lambda run: f"{run['pipeline']}-{run['shards']}")
def test_a_run_is_as_large_as_was_measured(run: dict[str, Any], tmp_path: Path) -> None:
    size = workflow_size(measured_pipeline(run["pipeline"], tmp_path), run["shards"], run["arguments"])
    assert (size.pods, size.nodes) == (run["pods"] + run["from_cache"], run["nodes"] + run["from_cache"])
    assert size.spec_bytes == pytest.approx(run["spec_bytes"], rel=0.01)
    assert size.nodes_bytes == pytest.approx(run["nodes_bytes"], rel=0.1)
    assert size.whole_bytes == pytest.approx(run["whole_bytes"], rel=0.06)


def test_a_run_that_died_of_its_size_was_too_large(tmp_path: Path) -> None:
    package = measured_pipeline(DIED["pipeline"], tmp_path)
    assert workflow_size(package, DIED["shards"], DIED["arguments"]).share > 1
    nodes = Run(compiled_pipeline(package), DIED["shards"], DIED["arguments"]).nodes.by_id
    begun = {key: node for key, node in nodes.items() if has_begun(node["name"], DIED["died"])}
    assert len(begun) == pytest.approx(DIED["nodes"], abs=3)
    assert compressed_bytes(json_text(begun).encode()) == pytest.approx(DIED["nodes_bytes"], rel=0.1)


def has_begun(name: str, died: dict[str, Any]) -> bool:
    """Whether a node was there when the run ended: all but the last step, and but for some shards the one before."""
    shard = re.search(r"iterations\((\d+):", name)
    waiting = shard is not None and int(shard[1]) >= died["shards_through"] and died["last_of_shard"] in name
    return died["last"] not in name and not waiting


def test_a_run_with_nothing_new_is_as_short_as_was_seen(tmp_path: Path) -> None:
    assert workflow_size(measured_pipeline("detection", tmp_path), 0).pods == 10


def test_the_most_shards_are_the_last_that_fit(tmp_path: Path) -> None:
    package = measured_pipeline("detection", tmp_path)
    most = most_shards(package)
    assert workflow_size(package, most).share < 0.6 <= workflow_size(package, most + 1).share
    assert most_shards(package, share=0.9) > most
    assert most_shards(package, share=0.15) == 0


def test_an_estimate_repeats(tmp_path: Path) -> None:
    package = measured_pipeline("detection", tmp_path)
    assert workflow_size(package, 3) == workflow_size(package, 3)


def test_longer_texts_make_a_larger_run(tmp_path: Path) -> None:
    package = measured_pipeline("detection", tmp_path)
    config = json.dumps({"classes": [f"class {number}" for number in range(200)]})
    plain, longer = (workflow_size(package, 8, given) for given in ({}, {"inference_config": config}))
    assert (longer.pods, longer.nodes) == (plain.pods, plain.nodes)
    assert longer.nodes_bytes > plain.nodes_bytes
    assert longer.spec_bytes > plain.spec_bytes


def test_a_negative_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="shards: -1 is negative; give 0 for a run with nothing new, or more"):
        workflow_size(compile_sized(line, tmp_path), -1)


def test_two_steps_are_five_pods(tmp_path: Path) -> None:
    package = compile_sized(line, tmp_path)
    size = workflow_size(package, 7)
    assert (size.pods, size.nodes) == (5, 18)
    assert most_shards(package) == MOST


# Pods and nodes of a workflow that Argo 4.0.5 ran to its end, its pods' results given by hand.
@pytest.mark.parametrize(("shards", "pods", "nodes"), [(0, 13, 49), (2, 58, 224)])
def test_loops_branches_and_exits_lie_in_each_other(shards: int, pods: int, nodes: int, tmp_path: Path) -> None:
    size = workflow_size(compile_sized(forms, tmp_path), shards)
    assert (size.pods, size.nodes) == (pods, nodes)


def test_of_branches_the_longest_counts_and_with_nothing_new_the_shortest(tmp_path: Path) -> None:
    package = compile_sized(choice, tmp_path)
    assert [workflow_size(package, shards).pods for shards in (1, 0)] == [1 + 1 + 2 + 1 + 4 + 2, 1 + 1 + 2 + 2 + 2]


# Bytes of a spec that Kubeflow's compiler made, and what the installation adds to it.
def test_labels_and_retries_make_templates_of_their_own(tmp_path: Path) -> None:
    assert workflow_size(compile_sized(labelled, tmp_path), 0).spec_bytes == pytest.approx(21_959 + 1_400, rel=0.05)
