import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from components.core.errors import ConfigError
from pipelines.compiling import COMPILED, check_compiled, compile_pipelines
from pipelines.placement import NODE_POOLS

CPU_ONLY = NODE_POOLS.parents[1] / "manifests" / "components" / "cpu-only" / "node_pools.yaml"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    compile_pipelines(folder)
    return folder


def test_what_is_committed_is_current():
    check_compiled(COMPILED)


def test_compiling_twice_gives_the_same_bytes(compiled, tmp_path):
    for file in compile_pipelines(tmp_path):
        assert file.read_bytes() == (compiled / file.name).read_bytes()


def test_a_stale_file_is_named(compiled, tmp_path):
    shutil.copytree(compiled, tmp_path / "stale")
    with (tmp_path / "stale" / "training.yaml").open("a") as file:
        file.write("# changed by hand\n")
    with pytest.raises(ConfigError, match=r"training\.yaml is not what the code compiles to; run `make pipeline`"):
        check_compiled(tmp_path / "stale")


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "pipelines", "compile", *map(str, arguments)], capture_output=True, text=True
    )


def test_a_sites_own_placements_leave_the_committed_ones_alone(tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text(CPU_ONLY.read_text().replace("train_unet: {", 'train_unet: {cpu: "3", '))
    before = {file: file.read_bytes() for file in COMPILED.iterdir()}
    ended = command("--node-pools", site, "--output", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    written = [Path(line) for line in ended.stdout.splitlines()]
    assert {file.name for file in written} >= {"training.yaml", "sample_training.yaml", "kustomization.yaml"}
    assert all(file.is_relative_to(tmp_path / "out") for file in written)
    spec, _ = yaml.safe_load_all((tmp_path / "out" / "training.yaml").read_text())
    resources = {
        name: executor["container"]["resources"] for name, executor in spec["deploymentSpec"]["executors"].items()
    }
    assert resources["exec-train-unet"]["resourceCpuLimit"] == "3"
    assert [name for name, wanted in resources.items() if "accelerator" in wanted] == []
    (training,) = [task for name, task in spec["root"]["dag"]["tasks"].items() if name == "train-unet"]
    assert "gpus" not in training["inputs"]["parameters"]
    assert {file: file.read_bytes() for file in COMPILED.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--node-pools", "missing.yaml", "--output", "out"], "--node-pools: 'missing.yaml' is not there"),
        (["--node-pools", NODE_POOLS], "give --output"),
        (["--check", "--output", "out"], "leave out --node-pools and --output"),
    ],
)
def test_what_cannot_be_compiled_is_said(arguments, message):
    ended = command(*arguments)
    assert ended.returncode == 2
    assert message in ended.stderr.splitlines()[-1]
