"""What is installed in the images. Needs a Docker Engine and the images of `make images`."""

from __future__ import annotations

import json
import tomllib

import pytest

import docker
from tests.locks import ROOT, pins

pytestmark = pytest.mark.containers

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

LIST_PACKAGES = """
import json
from importlib.metadata import distributions
from packaging.markers import default_environment
from packaging.utils import canonicalize_name
packages = {canonicalize_name(each.name): each.version for each in distributions()}
print(json.dumps([default_environment(), packages]))
"""


@pytest.mark.parametrize(
    "image,locks",
    [
        ("cpu", ["pip.txt", "light.txt", "kfp.txt"]),
        ("gpu", ["pip.txt", "torch.txt", "kfp.txt"]),
        ("submit", ["pip.txt", "light.txt", "submit.txt"]),
    ],
)
def test_an_image_holds_what_its_locks_pin_and_nothing_else(image: str, locks: list[str]) -> None:
    client = docker.from_env()
    said = client.containers.run(f"footprints-{image}:{VERSION}", ["python3", "-c", LIST_PACKAGES], remove=True)
    environment, packages = json.loads(said)
    expected = {
        name: pin.version
        for lock in locks
        for name, pin in pins(lock).items()
        if pin.requirement.marker is None or pin.requirement.marker.evaluate(environment)
    }
    assert packages == expected
