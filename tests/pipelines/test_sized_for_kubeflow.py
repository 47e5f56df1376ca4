"""The compiled pipelines against what Argo holds, by the estimate that was validated on real runs."""

import inspect

import pytest

from components.core.collection.plan import MAX_SHARDS, MOST_SHARDS
from pipelines.compiling import PIPELINES
from pipelines.package import read_package
from pipelines.workflow_size import LIMIT_BYTES, SHARE, most_shards, workflow_size


@pytest.mark.parametrize("name", sorted(PIPELINES))
def test_the_most_shards_that_a_run_may_have_stay_well_under_the_limit(name):
    package = read_package(name)
    assert most_shards(package) >= MOST_SHARDS
    assert workflow_size(package, MOST_SHARDS).whole_bytes < SHARE * LIMIT_BYTES


def test_the_default_is_a_small_part_of_that():
    default = inspect.signature(PIPELINES["detection"].pipeline_func).parameters["shards_max"].default
    assert default == MAX_SHARDS < MOST_SHARDS
    assert workflow_size(read_package("detection"), default).share < 0.25


def test_three_shards_are_at_most_twenty_pods_and_nothing_new_at_most_five():
    package = read_package("detection")
    assert workflow_size(package, 3).pods <= 20
    assert workflow_size(package, 0).pods <= 5


def test_a_step_carries_little_of_itself():
    """Source, specification and platform of a step stand eight times in every run."""
    for name in PIPELINES:
        spec = read_package(name).spec["pipeline_spec"]
        for step, executor in spec["deploymentSpec"]["executors"].items():
            source = executor["container"]["command"][-1]
            assert len(source) < 1_500, step
            assert source.count('"""') == 2 and "Args:" not in source, step
        for component in spec["components"].values():
            text = str(component.get("inputDefinitions")) + str(component.get("outputDefinitions"))
            assert "description" not in text
