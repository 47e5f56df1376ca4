"""Whether an installation runs the pipelines, from its API's first answer to the removal of what was put there.

`make test-kubeflow` runs it against KFP_ENDPOINT, with KFP_NAMESPACE, KFP_TOKEN and so on as `python -m pipelines
submit` takes them. FOOTPRINTS_CPU_IMAGE and FOOTPRINTS_GPU_IMAGE name the images, FOOTPRINTS_NODE_POOLS the site's
placements, FOOTPRINTS_DATA_ROOT the data root where kubectl cannot read it, KUBECTL another program than kubectl.
KUBEFLOW_TEST_GPUS=no asks for no GPU, not even for a minute; KUBEFLOW_TEST_KEEP=yes removes nothing.
"""

import os

import pytest

from tests.kubeflow.flow import Flow

pytestmark = [
    pytest.mark.kubeflow,
    pytest.mark.skipif(
        not os.environ.get("KFP_ENDPOINT"),
        reason="KFP_ENDPOINT is not set; say KFP_ENDPOINT=http://localhost:8080 make test-kubeflow",
    ),
]


def test_its_api_answers(flow: Flow) -> None:
    with flow.checks.check("connection") as seen:
        seen.words = flow.connect()


def test_pipelines_compile_for_it_and_are_uploaded(flow: Flow) -> None:
    with flow.checks.check("pipelines", "connection") as seen:
        seen.words = flow.upload()
        flow.begin()


def test_pods_get_the_settings_and_reach_the_store(flow: Flow) -> None:
    with flow.checks.check("settings and store", "pipelines") as seen:
        seen.words = flow.see_settings()


def test_steps_are_placed_on_gpus(flow: Flow) -> None:
    with flow.checks.check("GPU placement", "pipelines") as seen:
        seen.words = flow.see_gpu_placement()


def test_training_succeeds(flow: Flow) -> None:
    with flow.checks.check("training", "settings and store") as seen:
        seen.words = flow.train()


def test_a_step_whose_pod_is_lost_is_done_in_another(flow: Flow) -> None:
    with flow.checks.check("lost pod", "training") as seen:
        seen.words = flow.see_lost_pod()


def test_new_imagery_is_detected(flow: Flow) -> None:
    with flow.checks.check("detection", "training") as seen:
        seen.words = flow.detect()


def test_pods_get_what_node_pools_says(flow: Flow) -> None:
    with flow.checks.check("limits", "training") as seen:
        seen.words = flow.see_limits()


def test_a_recurring_run_finds_nothing_new(flow: Flow) -> None:
    with flow.checks.check("recurring run", "detection") as seen:
        seen.words = flow.recur()


def test_the_collection_is_whole(flow: Flow) -> None:
    with flow.checks.check("collection", "detection") as seen:
        seen.words = flow.change_an_image()


def test_changed_imagery_is_detected_again(flow: Flow) -> None:
    with flow.checks.check("changed image", "collection") as seen:
        seen.words = flow.detect_changed()


def test_all_of_it_can_be_removed(flow: Flow) -> None:
    with flow.checks.check("removal", "connection") as seen:
        seen.words = flow.remove()
