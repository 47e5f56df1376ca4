"""A Kubeflow server, a small compiled pipeline, and the command line that joins them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.core.cli import run_main
from pipelines.__main__ import parser
from tests.pipelines.kubeflow_server import Kubeflow, serving
from tests.pipelines.tiny_pipeline import compile_tiny

Cli = Callable[..., int]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ENDPOINT", "NAMESPACE", "UI_URL", "TOKEN", "TOKEN_FILE", "COOKIES", "CA_BUNDLE", "INSECURE"):
        monkeypatch.delenv(f"KFP_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled small pipeline."""
    return compile_tiny(tmp_path_factory.mktemp("tiny") / "tiny.yaml")


@pytest.fixture
def kubeflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubeflow]:
    """A running installation with the experiment "Default"; the environment leads to it."""
    server = Kubeflow()
    server.add_experiment()
    with serving(server) as url:
        monkeypatch.setenv("KFP_ENDPOINT", url)
        yield server


@pytest.fixture
def cli(tiny: Path) -> Cli:
    """Run a command; gives the exit status."""

    def run(command: str, *flags: str) -> int:
        own = () if command == "runs" or "--pipeline" in flags else ("--pipeline", str(tiny))
        return run_main(lambda options: options.main(options), parser(), [command, *own, *flags])

    return run
