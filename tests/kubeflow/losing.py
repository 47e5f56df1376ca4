"""A pod that is lost in the middle of a step, as on a node that is taken away."""

from __future__ import annotations

import logging
from collections.abc import Collection

from tests.kubeflow.installation import Run
from tests.kubeflow.kubectl import Kubectl, KubectlError, is_at_work, step_of
from tests.kubeflow.workflow import Workflow

log = logging.getLogger(__name__)


class PodTaker:
    """Takes one pod of a run away, as soon as one of some steps is at work.

    Attributes:
        step: Whose pod was taken; empty as long as none was.
        pod: Its name.
        trouble: Why none can be taken; empty where nothing stands against it.
    """

    def __init__(self, kubectl: Kubectl | None, run: Run, steps: Collection[str]) -> None:
        self.step = self.pod = ""
        self.trouble = "" if kubectl else "kubectl is missing, or has no kubeconfig: set KUBECTL, or KUBECONFIG"
        self._kubectl, self._run, self._steps = kubectl, run, steps

    def __call__(self, workflow: Workflow) -> None:
        """Look once, and take a pod away if the moment has come."""
        if self._kubectl is None or self.trouble or self.pod:
            return
        try:
            for pod in self._kubectl.pods_of(workflow.namespace, self._run.id):
                name, step = pod["metadata"]["name"], step_of(pod)
                if step in self._steps and is_at_work(pod):
                    self._kubectl.delete_pod(workflow.namespace, name)
                    self.step, self.pod = step, name
                    log.info("%s: took the pod of %s away", self._run.name, step)
                    return
        except KubectlError as error:
            self.trouble = f"kubectl may not: {error}"
