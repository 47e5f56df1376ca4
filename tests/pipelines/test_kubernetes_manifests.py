"""Pipelines as Kubernetes objects: the compiled content, under names that change with it."""

from pathlib import Path

import pytest
import yaml

from components.core.errors import ConfigError
from pipelines.kubernetes_manifests import write_kubernetes_manifests
from pipelines.package import read_package
from pipelines.uploading import CONTENT_NOTE
from tests.pipelines.tiny_pipeline import compile_tiny, tiny


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    (tmp_path / "compiled").mkdir()
    compile_tiny(tmp_path / "compiled" / "tiny.yaml")
    return tmp_path / "compiled"


def test_objects_hold_what_is_compiled(compiled: Path, tmp_path: Path) -> None:
    files = write_kubernetes_manifests({"tiny": tiny}, compiled, tmp_path / "objects")
    assert [file.name for file in files] == ["tiny.yaml", "kustomization.yaml"]
    package = read_package(str(compiled / "tiny.yaml"))
    pipeline, version = yaml.safe_load_all(files[0].read_text())
    assert (pipeline["kind"], pipeline["metadata"]["name"]) == ("Pipeline", package.name)
    assert version["metadata"]["name"] == f"{package.name}-{package.version_name}"
    assert (version["spec"]["pipelineName"], version["spec"]["displayName"]) == (package.name, package.version_name)
    platform = version["spec"].get("platformSpec")
    spec = version["spec"]["pipelineSpec"]
    assert (spec if platform is None else {"pipeline_spec": spec, "platform_spec": platform}) == package.spec
    noted = CONTENT_NOTE.search(version["spec"]["description"])
    assert noted is not None and noted[1] == package.sha256
    assert yaml.safe_load(files[1].read_text())["resources"] == ["tiny.yaml"]


def test_writing_is_deterministic(compiled: Path, tmp_path: Path) -> None:
    first, second = (
        [file.read_bytes() for file in write_kubernetes_manifests({"tiny": tiny}, compiled, tmp_path / name)]
        for name in ("first", "second")
    )
    assert first == second


def test_a_pipeline_that_is_not_compiled_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tiny\.yaml"):
        write_kubernetes_manifests({"tiny": tiny}, tmp_path, tmp_path / "objects")
