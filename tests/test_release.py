"""What a release says of itself: one version everywhere, a licence, typed packages, checks that fetch nothing."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import Any

import pytest
import yaml

from components.base_images import CPU_IMAGE, GPU_IMAGE
from pipelines.package import package_version
from tests.locks import ROOT


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize(
    "file",
    [
        "manifests/base/kustomization.yaml",
        "manifests/components/kubeflow-trainer/kustomization.yaml",
        "manifests/components/kubeflow-trainer/training-runtime.yaml",
        "manifests/train-job/kustomization.yaml",
        "manifests/README.md",
        "pipelines/compiled/training.yaml",
    ],
)
def test_the_version_is_the_same_everywhere(file):
    named = re.findall(r"(?:footprints-[cg]pu:|newTag: |/version: )(\d[\w.]*)", (ROOT / file).read_text())
    assert set(named) == {package_version()}


def test_the_images_of_this_version_run_the_stages():
    tags = {CPU_IMAGE.rpartition(":")[2], GPU_IMAGE.rpartition(":")[2]}
    assert tags == {package_version()}


def test_the_changelog_begins_with_this_version():
    versions = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == package_version()


def test_the_licence_is_named_in_one_way():
    said = project()["project"]
    assert said["license"] == "Apache-2.0"
    for name in said["license-files"]:
        text = (ROOT / name).read_text()
        assert "SPDX-License-Identifier: Apache-2.0" in text
        assert "https://www.apache.org/licenses/LICENSE-2.0" in text


@pytest.mark.parametrize("package", ["components", "pipelines"])
def test_packages_are_typed(package):
    assert (ROOT / package / "py.typed").is_file()
    assert "py.typed" in project()["tool"]["setuptools"]["package-data"]["*"]


def test_pre_commit_runs_what_the_project_has():
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [entry["repo"] for entry in repositories] == ["local"]
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for hook in repositories[0]["hooks"]:
        assert hook["language"] == "system"
        program, argument, *_ = shlex.split(hook["entry"])
        assert program.startswith(".venv/bin/") or (program == "make" and argument in targets), hook["entry"]


def test_the_workflow_runs_the_script_that_everybody_runs():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    steps = workflow["jobs"]["check"]["steps"]
    assert steps[-1]["run"] == "bash .ci/run"
    assert [step["with"]["python-version"] for step in steps if "setup-python" in step.get("uses", "")] == ["3.11"]
