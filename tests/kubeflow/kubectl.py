"""What only the cluster itself can say or do: its pods as they are, and taking one away.

Everything else comes from Kubeflow's API, so that a team without a kubeconfig can run most of the checks.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

VARIABLE = "KUBECTL"
LIMIT_S = 30
RUN_LABEL = "pipeline/runid"
NODE_NAME = "workflows.argoproj.io/node-name"


class KubectlError(Exception):
    """Kubernetes cannot be asked, or refuses."""


class Kubectl:
    """The program kubectl, with the kubeconfig of whoever runs the tests."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self.command = command

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> Kubectl | None:
        """What KUBECTL names, with arguments where they are needed; else the program that is installed.

        Returns:
            None where there is none, or no kubeconfig that it could use.
        """
        if environ.get(VARIABLE):
            return cls(tuple(shlex.split(environ[VARIABLE])))
        beside = Path(sys.executable).with_name("kubectl")
        program = str(beside) if beside.exists() else shutil.which("kubectl")
        if program is None:
            return None
        found = cls((program,))
        return found if found._has_context() else None

    def _has_context(self) -> bool:
        try:
            return bool(self._run("config", "current-context").strip())
        except KubectlError:
            return False

    def pods_of(self, namespace: str, run_id: str) -> list[dict[str, Any]]:
        """The pods of a run."""
        selector = quote(f"{RUN_LABEL}={run_id}")
        return self._get(f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}")["items"]

    def workflow_of(self, namespace: str, run_id: str) -> str | None:
        """The Argo workflow of a run as JSON; None where there is none."""
        selector = quote(f"{RUN_LABEL}={run_id}")
        place = f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflows?labelSelector={selector}"
        found = self._get(place)["items"]
        return json.dumps(found[0], separators=(",", ":")) if found else None

    def settings(self, namespace: str, config_map: str) -> Mapping[str, str]:
        """Content of a ConfigMap."""
        return self._get(f"/api/v1/namespaces/{namespace}/configmaps/{config_map}").get("data") or {}

    def log_of(self, namespace: str, pod: str) -> str:
        """What the container that does the work has said."""
        return self._run("get", "--raw", f"/api/v1/namespaces/{namespace}/pods/{pod}/log?container=main")

    def delete_pod(self, namespace: str, pod: str) -> None:
        """Take a pod away, as a node that is taken away does."""
        self._run("delete", "--raw", f"/api/v1/namespaces/{namespace}/pods/{pod}")

    def _get(self, place: str) -> dict[str, Any]:
        return json.loads(self._run("get", "--raw", place))

    def _run(self, *arguments: str) -> str:
        command = [*self.command, *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise KubectlError(f"{shlex.join(command)}: {error}; fix {VARIABLE}, or the kubeconfig") from error
        if done.returncode:
            said = " ".join(done.stderr.split()) or "it says nothing"
            raise KubectlError(f"{shlex.join(command)}: {said}")
        return done.stdout


def is_at_work(pod: Mapping[str, Any]) -> bool:
    """Whether the container that does the work is running, and nobody has taken the pod away."""
    if pod["metadata"].get("deletionTimestamp"):
        return False
    states = {entry["name"]: entry["state"] for entry in pod.get("status", {}).get("containerStatuses", ())}
    return "running" in states.get("main", {})


def step_of(pod: Mapping[str, Any]) -> str:
    """Name of the step that a pod does; empty for a driver's."""
    path = pod["metadata"].get("annotations", {}).get(NODE_NAME, "").split(".")
    is_executor = len(path) > 1 and path[-1].partition("(")[0] == "executor"
    return path[-2].partition("(")[0] if is_executor else ""
