"""One flow through an installation, and the table of what came of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from components.core.errors import FootprintsError
from tests.kubeflow.checks import Checks, UnavailableError
from tests.kubeflow.flow import Flow
from tests.kubeflow.installation import CheckError
from tests.kubeflow.kubectl import KubectlError

log = logging.getLogger(__name__)

CHECKS = pytest.StashKey[Checks]()


@pytest.fixture(scope="module")
def flow(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    """The flow; what it put into the installation is removed whatever happens."""
    checks = pytestconfig.stash.setdefault(CHECKS, Checks())
    made = Flow(tmp_path_factory.mktemp("kubeflow"), checks)
    yield made
    if checks.passed("connection"):
        try:
            made.remove()
        except UnavailableError:
            pass
        except (CheckError, FootprintsError, KubectlError) as error:
            checks.notes.append(f"not all could be removed (experiment {made.installation.name}): {error}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    checks = config.stash.get(CHECKS, None)
    if checks is not None and checks.outcomes:
        terminalreporter.section("what was checked")
        for line in checks.table():
            terminalreporter.line(line)
