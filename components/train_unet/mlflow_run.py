"""Sends a training's curves to an MLflow run, where Kubeflow Pipelines or somebody else names one in the environment.

Kubeflow Pipelines 2.17 opens a run for each step where its MLflow plug-in is set up to hand it to the step's container.
One call of MLflow's REST interface is all that is needed, so no package of MLflow's is.
https://mlflow.org/docs/latest/rest-api.html#log-batch
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import urllib3

from components.core.errors import StorageError
from components.train_unet.history import Row
from components.train_unet.metrics import Measures

MOST_METRICS = 1000
MOST_PARAMS = 100
MOST_CHARACTERS = 6000
"""What MLflow takes in one call, and of one parameter's value."""

TIMEOUT = urllib3.Timeout(connect=5, read=20)
RETRIES = urllib3.Retry(2, backoff_factor=1, status_forcelist=(429, 500, 502, 503, 504), allowed_methods=("POST",))

SERVICE_ACCOUNT_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
"""Of a pod, for MLflow behind Kubernetes' own authentication."""

SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class MlflowRun:
    """A run of an MLflow server.

    Attributes:
        server: Its address.
        run_id: The run.
        headers: Of each request: who asks, and in which workspace.
        verify_tls: Whether the server's certificate is checked.
        ca_file: Certificates to check it with; None for those of the system.
    """

    server: str
    run_id: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    verify_tls: bool = True
    ca_file: str | None = None

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> MlflowRun | None:
        """The run that MLflow's own variables name; None where they name none, or no server to reach by HTTP.

        Raises:
            StorageError: If the pod's token, which the variables ask for, cannot be read.
        """
        server, run_id = environment.get("MLFLOW_TRACKING_URI", ""), environment.get("MLFLOW_RUN_ID", "")
        if not run_id or not server.startswith(("http://", "https://")):
            return None
        return cls(
            server.rstrip("/"),
            run_id,
            _headers(environment),
            environment.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() not in ("true", "1"),
            environment.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or environment.get("SSL_CERT_FILE") or None,
        )

    def log_params(self, config: Mapping[str, Any]) -> None:
        """Send a config's keys, nested ones by their path.

        Raises:
            StorageError: If the server does not take them.
        """
        params = [{"key": key, "value": str(value)[:MOST_CHARACTERS]} for key, value in _flat(config)]
        for start in range(0, len(params), MOST_PARAMS):
            self._send(params=params[start : start + MOST_PARAMS])

    def log_rows(self, rows: Sequence[Row]) -> None:
        """Send points of the curves.

        Raises:
            StorageError: If the server does not take them.
        """
        now = round(time.time() * 1000)
        metrics = iter([metric for row in rows for metric in _metrics(row, now)])
        while batch := list(islice(metrics, MOST_METRICS)):
            self._send(metrics=batch)

    def _send(self, **content: list[dict[str, Any]]) -> None:
        checks = "CERT_REQUIRED" if self.verify_tls else "CERT_NONE"
        body = json.dumps({"run_id": self.run_id, **content})
        headers = {**self.headers, "Content-Type": "application/json"}
        url = f"{self.server}/api/2.0/mlflow/runs/log-batch"
        try:
            with urllib3.PoolManager(cert_reqs=checks, ca_certs=self.ca_file) as pool:
                answer = pool.request(
                    "POST", url, body=body, headers=headers, timeout=TIMEOUT, retries=RETRIES, redirect=False
                )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise StorageError(f"{self.server}: MLflow cannot be reached: {error}") from error
        if answer.status != 200:
            said = answer.data.decode("utf-8", "replace")[:SHOWN_CHARACTERS]
            raise StorageError(f"{self.server}: MLflow run {self.run_id}: answered {answer.status}: {said}")


def _headers(environment: Mapping[str, str]) -> dict[str, str]:
    headers = {}
    if workspace := environment.get("MLFLOW_WORKSPACE"):
        headers["X-MLflow-Workspace"] = workspace
    user, token = environment.get("MLFLOW_TRACKING_USERNAME"), environment.get("MLFLOW_TRACKING_TOKEN")
    if user:
        basic = f"{user}:{environment.get('MLFLOW_TRACKING_PASSWORD', '')}"
        headers |= urllib3.make_headers(basic_auth=basic)
    elif not token and environment.get("MLFLOW_TRACKING_AUTH", "").startswith("kubernetes"):
        try:
            token = SERVICE_ACCOUNT_TOKEN.read_text(encoding="ascii").strip()
        except OSError as error:
            raise StorageError(
                f"MLFLOW_TRACKING_AUTH asks for the pod's token, which cannot be read: {error}; mount the service "
                "account's token"
            ) from error
    if token and not user:
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _flat(config: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _metrics(row: Row, now_ms: int) -> Iterator[dict[str, Any]]:
    """Metrics of one point; JSON has no name for what is no number, MLflow's clients send it as text."""
    for name in Measures._fields:
        value: float = getattr(row, name)
        shown = value if abs(value) < float("inf") else {"nan": "NaN", "inf": "Infinity"}.get(str(value), "-Infinity")
        yield {"key": f"{row.phase}_{name}", "value": shown, "timestamp": now_ms, "step": row.step}
    if row.phase == "train":
        yield {"key": "lr", "value": row.lr, "timestamp": now_ms, "step": row.step}
