"""Why a run does not go on, and what to do: the reasons that Kubernetes, Argo and the steps give, with a fix each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.kubeflow.workflow import Try

LAST_LINES = 5

_ERROR = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt)(?:: .*)?")


@dataclass(frozen=True)
class Advice:
    """What to do about a reason.

    Attributes:
        reason: Pattern of the reason.
        fix: What to do.
        hopeless: Whether waiting longer will not help.
    """

    reason: re.Pattern[str]
    fix: str
    hopeless: bool = False


ADVICE = tuple(
    Advice(re.compile(reason, re.IGNORECASE), fix, hopeless)
    for reason, fix, hopeless in (
        (
            r"ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull",
            "the nodes cannot get the image: push it (make push), name it in FOOTPRINTS_CPU_IMAGE and "
            "FOOTPRINTS_GPU_IMAGE, and give the pods' service account its imagePullSecrets",
            True,
        ),
        (
            r"CreateContainerConfigError|(secret|configmap) \S+ not found",
            "a Secret or ConfigMap that a pod needs is not in the runs' namespace: see manifests/README.md, Apply",
            True,
        ),
        (
            r"violates PodSecurity|SecurityContext",
            "the namespace refuses such pods: Kubeflow's own containers must pass its pod security level, too",
            True,
        ),
        (
            r"exceeded quota",
            "the namespace's ResourceQuota is used up: kubectl describe quota; the test needs 2 CPUs and 4Gi",
            False,
        ),
        (
            r"untolerated taint",
            "the nodes have a taint that these pods do not stand: give its toleration in node_pools.yaml "
            "(FOOTPRINTS_NODE_POOLS), or let a pool have none",
            False,
        ),
        (
            r"didn't match Pod's node affinity|node selector",
            "no node has the label that node_pools.yaml selects: kubectl get nodes --show-labels",
            False,
        ),
        (
            r"Insufficient (cpu|memory|ephemeral-storage)",
            "the nodes are full or too small: compiled.py and node_pools.yaml in tests/kubeflow say "
            "what each step asks for",
            False,
        ),
        (
            r"OOMKilled|exit code 137",
            "a step needs more memory than compiled.py or node_pools.yaml in tests/kubeflow gives it, or its node was "
            "taken away",
            True,
        ),
        (
            r"Max duration limit exceeded|DeadlineExceeded",
            "all tries together took longer than the step may: see timeout_s and longest_wait_for_a_node_s",
            True,
        ),
        (
            r"Request entity too large|exceeds? the size limit|offload",
            "the run is larger than Argo may keep: python -m pipelines size",
            True,
        ),
        (
            r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|\b403\b|Forbidden",
            "the store refuses: the Secret mlpipeline-minio-artifact (keys accesskey, secretkey) holds no credentials "
            "for it, or they may not do this",
            True,
        ),
        (
            r"NoSuchBucket|bucket .*(missing|does not exist|not there)",
            "the bucket of FOOTPRINTS_DATA_ROOT is missing: run the bucket Job of the manifests, or create it",
            True,
        ),
    )
)


def fix_of(reason: str) -> str:
    """What to do about a reason, as "; fix"; nothing where nobody knows."""
    advice = _advice_on(reason)
    return f"; {advice.fix}" if advice else ""


def is_hopeless(reason: str) -> bool:
    """Whether a pod that waits for this reason will not start by itself."""
    advice = _advice_on(reason)
    return advice is not None and advice.hopeless


def _advice_on(reason: str) -> Advice | None:
    return next((advice for advice in ADVICE if advice.reason.search(reason)), None)


def last_words(log: str) -> str:
    """What a step's log says last: the error that its program ended with, else its last lines."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.fullmatch(line)]
    return errors[-1] if errors else " / ".join(lines[-LAST_LINES:])


def described(one: Try, said: str = "") -> str:
    """One pod in words: what, how, why, and what to do."""
    reason = said or one.message
    return f"{one.title}: {one.phase}{f': {reason}' if reason else ''}{fix_of(f'{reason} {one.message}')}"
