"""A Kubeflow Pipelines API server for tests: the v2beta1 requests that are used, over HTTP, with state.

Bodies go in and out through the models of kfp-server-api, so a field that the API does not have is an error. What it
refuses and fills in follows the real server: it sets a service account, keeps times in 1970 for runs that have not
ended, answers pages, writes 64-bit numbers as text, and answers 409 where a name is taken.
"""

from __future__ import annotations

import email
import json
import re
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import kfp_server_api as api
import yaml

from tests.waiting import HANGS_S

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEGINNING = datetime(2024, 5, 1, tzinfo=UTC)
MODELS = api.ApiClient()
KINDS = {
    "NUMBER_INTEGER": int,
    "NUMBER_DOUBLE": (int, float),
    "STRING": str,
    "BOOLEAN": bool,
    "LIST": list,
    "STRUCT": dict,
}


class AnswerError(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


@dataclass
class Fault:
    """What the next matching requests get instead of an answer.

    Attributes:
        request: Pattern of "METHOD path".
        status: Of the answer, or 0 to break the connection.
        times: How often.
        after: Do first what was asked, so that only the answer is lost.
        until: Wait for it before anything else, and answer as usual where there is no status.
        body: Of the answer.
        headers: Of the answer.
    """

    request: str
    status: int | None = None
    times: int = 1
    after: bool = False
    until: threading.Event | None = None
    body: str = '{"message": "injected"}'
    headers: dict[str, str] = field(default_factory=dict)


class Moment(NamedTuple):
    """What one look at a run shows."""

    state: str
    tasks: dict[str, str]
    error: str | None = None


class Kubeflow:
    """The installation: who may do what, and what it holds."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.cookie: str | None = None
        self.namespaces: set[str] | None = None
        self.page_size = 100
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.script: list[Moment] = []
        self.enabled: list[dict[str, int]] = []
        self.pipelines: dict[str, Any] = {}
        self.versions: dict[str, Any] = {}
        self.experiments: dict[str, Any] = {}
        self.runs: dict[str, Any] = {}
        self.recurring: dict[str, Any] = {}
        self.before: Callable[[str], None] = lambda request: None
        self.lock = threading.RLock()
        self._ticks = 0

    def stamp(self) -> dict[str, Any]:
        """Time of a creation, a second after the last."""
        self._ticks += 1
        return {"created_at": BEGINNING + timedelta(seconds=self._ticks)}

    def add_experiment(self, name: str = "Default", namespace: str | None = None, state: str = "AVAILABLE") -> str:
        identifier = str(uuid.uuid4())
        self.experiments[identifier] = api.V2beta1Experiment(
            experiment_id=identifier, display_name=name, namespace=namespace, storage_state=state, **self.stamp()
        )
        return identifier

    def add_pipeline(self, name: str, namespace: str | None = None) -> Any:
        if any(p.display_name == name and p.namespace == namespace for p in self.pipelines.values()):
            raise AnswerError(409, "Already exist error: the name of the pipeline is taken")
        identifier = str(uuid.uuid4())
        self.pipelines[identifier] = api.V2beta1Pipeline(
            pipeline_id=identifier, display_name=name, name=name, namespace=namespace, **self.stamp()
        )
        return self.pipelines[identifier]

    def add_version(self, pipeline_id: str, name: str, content: bytes, description: str | None = None) -> Any:
        if any(v.name == name and v.pipeline_id == pipeline_id for v in self.versions.values()):
            raise AnswerError(409, "Failed to create a pipeline version")
        documents = [document for document in yaml.safe_load_all(content) if document]
        spec = (
            documents[0]
            if len(documents) == 1
            else dict(zip(("pipeline_spec", "platform_spec"), documents, strict=True))
        )
        identifier = str(uuid.uuid4())
        self.versions[identifier] = api.V2beta1PipelineVersion(
            pipeline_id=pipeline_id,
            pipeline_version_id=identifier,
            display_name=name,
            name=name,
            description=description,
            pipeline_spec=spec,
            **self.stamp(),
        )
        return self.versions[identifier]

    def check_arguments(self, source: Any) -> None:
        """Refuse what the real server refuses: unknown experiments and versions, missing and ill-typed arguments."""
        if source.experiment_id not in self.experiments:
            raise AnswerError(404, f"ResourceNotFoundError: Experiment {source.experiment_id} not found")
        reference = source.pipeline_version_reference
        version = self.versions.get(reference.pipeline_version_id) if reference else None
        if version is None or version.pipeline_id != reference.pipeline_id:
            raise AnswerError(404, "ResourceNotFoundError: PipelineVersion not found")
        spec = version.pipeline_spec.get("pipeline_spec", version.pipeline_spec)
        known = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        given = (source.runtime_config.parameters if source.runtime_config else None) or {}
        for name, value in given.items():
            if name not in known or not isinstance(value, KINDS[known[name]["parameterType"]]):
                raise AnswerError(400, f"input parameter {name} is unknown or has the wrong type")
        for name, entry in known.items():
            if name not in given and "defaultValue" not in entry and not entry.get("isOptional"):
                raise AnswerError(
                    400, f"parameter {name} is not optional, yet has neither default value nor user provided value"
                )

    def count_enabled(self) -> None:
        counts: dict[str, int] = {}
        for run in self.recurring.values():
            counts[run.display_name] = counts.get(run.display_name, 0) + (run.mode == "ENABLE")
        self.enabled.append(counts)

    def fill(self, source: Any) -> None:
        """What the server sets in a run or a recurring run."""
        source.service_account = source.service_account or "pipeline-runner"
        source.created_at = self.stamp()["created_at"]
        if source.runtime_config and not source.runtime_config.parameters and not source.runtime_config.pipeline_root:
            source.runtime_config = None


def received(body: Any, model: str) -> Any:
    """Read a body as a model; a field that the model does not have is refused, as the API does."""

    class Response:
        data = json.dumps(body)

    result = MODELS.deserialize(Response, model)
    unknown = sorted(set(_keys(body)) - set(_keys(MODELS.sanitize_for_serialization(result))))
    if unknown:
        raise AnswerError(400, f"unknown field {', '.join(unknown)} in {model}")
    return result


def _keys(value: Any, place: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield f"{place}.{key}"
            yield from _keys(entry, f"{place}.{key}")


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    kubeflow: Kubeflow

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        self.parts = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(self.parts.query).items()}
        self.data = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = f"{self.command} {self.parts.path.removeprefix('/apis/v2beta1')}"
        self.kubeflow.requests.append(request)
        self.kubeflow.before(request)
        fault = next((f for f in self.kubeflow.faults if f.times and re.fullmatch(f.request, request)), None)
        if fault is not None:
            fault.times -= 1
            if fault.until is not None:
                fault.until.wait(HANGS_S)
            if fault.after:
                self._do(request)
            if fault.status == 0:
                self.close_connection = True
                return
            if fault.status is not None:
                self._send(fault.status, fault.body.encode(), fault.headers)
                return
        status, body, headers = self._do(request)
        self._send(status, json.dumps(body).encode(), headers)

    def _do(self, request: str) -> tuple[int, Any, dict[str, str]]:
        try:
            with self.kubeflow.lock:
                return 200, MODELS.sanitize_for_serialization(self._route(request)), {}
        except AnswerError as answer:
            code = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6}[answer.status]
            return answer.status, {"error": str(answer), "code": code, "message": str(answer), "details": []}, {}

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in ({"content-type": "application/json"} | headers).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _route(self, request: str) -> Any:
        self._authenticate()
        for pattern, action in ROUTES.items():
            match = re.fullmatch(pattern, request)
            if match:
                return action(self, self.kubeflow, *match.groups())
        raise AnswerError(404, "Not Found")

    def _authenticate(self) -> None:
        token, cookie = self.kubeflow.token, self.kubeflow.cookie
        if token is not None and self.headers.get("authorization") != f"Bearer {token}":
            raise AnswerError(401, f"Request header error: {self.headers.get('authorization')} is not valid")
        if cookie is not None and self.headers.get("cookie") != cookie:
            raise AnswerError(401, "no session")

    def body(self, model: str) -> Any:
        return received(json.loads(self.data), model)

    def namespace(self, given: str | None) -> str | None:
        """The namespace of a request, if it may be named."""
        allowed = self.kubeflow.namespaces
        if allowed is None:
            if given:
                raise AnswerError(400, "In single-user mode, the namespace cannot be given")
            return None
        if not given:
            raise AnswerError(400, "Invalid input error: In multi-user mode, the namespace is required")
        if given not in allowed:
            raise AnswerError(403, f"User is not authorized to do this in namespace {given}")
        return given

    def page(self, entries: list[Any], response: Any, items: str) -> Any:
        """One page of what a listing's filter and order leave."""
        if self.query.get("filter"):
            # Enumerations may be numbers and names may be in camel case in protobuf's JSON; kfp writes both.
            text = self.query["filter"].replace("stringValue", "string_value")
            for predicate in received(json.loads(text), "V2beta1Filter").predicates:
                if predicate.operation not in ("EQUALS", 1) or predicate.key != "display_name":
                    raise AnswerError(400, "unsupported filter")
                entries = [entry for entry in entries if entry.display_name == predicate.string_value]
        if self.query.get("sort_by") == "created_at desc":
            entries = sorted(entries, key=lambda entry: entry.created_at, reverse=True)
        start = int(self.query.get("page_token") or 0)
        end = start + min(self.kubeflow.page_size, int(self.query.get("page_size") or 20))
        token = str(end) if end < len(entries) else None
        return response(**{items: entries[start:end] or None, "next_page_token": token})

    def upload(self) -> bytes:
        message = email.message_from_bytes(
            b"content-type: " + self.headers["content-type"].encode() + b"\r\n\r\n" + self.data
        )
        part = message.get_payload()[0]  # type: ignore[index]
        assert part.get_param("name", header="content-disposition") == "uploadfile"  # type: ignore[union-attr]
        content: bytes = part.get_payload(decode=True)  # type: ignore[union-attr, assignment]
        return content


def _health(handler: Handler, kubeflow: Kubeflow) -> Any:
    return api.V2beta1GetHealthzResponse(multi_user=kubeflow.namespaces is not None)


def _list_pipelines(handler: Handler, kubeflow: Kubeflow) -> Any:
    namespace = handler.namespace(handler.query.get("namespace"))
    entries = [entry for entry in kubeflow.pipelines.values() if entry.namespace == namespace]
    return handler.page(entries, api.V2beta1ListPipelinesResponse, "pipelines")


def _create_pipeline(handler: Handler, kubeflow: Kubeflow) -> Any:
    pipeline = handler.body("V2beta1Pipeline")
    return kubeflow.add_pipeline(pipeline.display_name, handler.namespace(pipeline.namespace))


def _list_versions(handler: Handler, kubeflow: Kubeflow, pipeline_id: str) -> Any:
    entries = [entry for entry in kubeflow.versions.values() if entry.pipeline_id == pipeline_id]
    return handler.page(entries, api.V2beta1ListPipelineVersionsResponse, "pipeline_versions")


def _upload_version(handler: Handler, kubeflow: Kubeflow) -> Any:
    query = handler.query
    if query["pipelineid"] not in kubeflow.pipelines:
        raise AnswerError(400, "Failed to create a pipeline version")
    return kubeflow.add_version(query["pipelineid"], query["name"], handler.upload(), query.get("description"))


def _list_experiments(handler: Handler, kubeflow: Kubeflow) -> Any:
    namespace = handler.namespace(handler.query.get("namespace"))
    entries = [entry for entry in kubeflow.experiments.values() if entry.namespace == namespace]
    return handler.page(entries, api.V2beta1ListExperimentsResponse, "experiments")


def _create_experiment(handler: Handler, kubeflow: Kubeflow) -> Any:
    experiment = handler.body("V2beta1Experiment")
    return kubeflow.experiments[
        kubeflow.add_experiment(experiment.display_name, handler.namespace(experiment.namespace))
    ]


def _create_run(handler: Handler, kubeflow: Kubeflow) -> Any:
    run = handler.body("V2beta1Run")
    kubeflow.check_arguments(run)
    kubeflow.fill(run)
    run.run_id, run.finished_at = str(uuid.uuid4()), EPOCH
    kubeflow.runs[run.run_id] = run
    return run


def _get_run(handler: Handler, kubeflow: Kubeflow, run_id: str) -> Any:
    run = kubeflow.runs.get(run_id)
    if run is None:
        raise AnswerError(404, f"Run {run_id} not found")
    if kubeflow.script:
        moment = kubeflow.script.pop(0)
        # Around every task there are nodes of Kubeflow's own.
        names = {"root-driver": "SUCCEEDED", "executor": "RUNNING"} | moment.tasks
        details = [api.V2beta1PipelineTaskDetail(display_name=name, state=state) for name, state in names.items()]
        run.state, run.run_details = moment.state, api.V2beta1RunDetails(task_details=details)
        run.error = api.GoogleRpcStatus(code=2, message=moment.error) if moment.error else None
        if moment.state in ("SUCCEEDED", "FAILED", "CANCELED"):
            run.finished_at = run.created_at + timedelta(seconds=3723)
    return run


def _list_runs(handler: Handler, kubeflow: Kubeflow) -> Any:
    entries = list(kubeflow.runs.values())
    if handler.query.get("experiment_id"):
        entries = [entry for entry in entries if entry.experiment_id == handler.query["experiment_id"]]
    else:
        handler.namespace(handler.query.get("namespace"))
    return handler.page(entries, api.V2beta1ListRunsResponse, "runs")


def _list_recurring(handler: Handler, kubeflow: Kubeflow) -> Any:
    identifier = handler.query["experiment_id"]
    entries = [entry for entry in kubeflow.recurring.values() if entry.experiment_id == identifier]
    return handler.page(entries, api.V2beta1ListRecurringRunsResponse, "recurring_runs")


def _create_recurring(handler: Handler, kubeflow: Kubeflow) -> Any:
    run = handler.body("V2beta1RecurringRun")
    kubeflow.check_arguments(run)
    if not 1 <= int(run.max_concurrency) <= 10 or len(run.trigger.cron_schedule.cron.split()) not in (5, 6):
        raise AnswerError(400, "The max concurrency or the cron is out of range")
    kubeflow.fill(run)
    run.recurring_run_id = str(uuid.uuid4())
    kubeflow.recurring[run.recurring_run_id] = run
    kubeflow.count_enabled()
    return run


def _change_recurring(handler: Handler, kubeflow: Kubeflow, identifier: str, verb: str) -> Any:
    if identifier not in kubeflow.recurring:
        raise AnswerError(404, f"Recurring run {identifier} not found")
    kubeflow.recurring[identifier].mode = verb.upper()
    kubeflow.count_enabled()
    return {}


def _delete_recurring(handler: Handler, kubeflow: Kubeflow, identifier: str) -> Any:
    if kubeflow.recurring.pop(identifier, None) is None:
        raise AnswerError(404, f"Recurring run {identifier} not found")
    kubeflow.count_enabled()
    return {}


ROUTES: dict[str, Callable[..., Any]] = {
    "GET /healthz": _health,
    "GET /pipelines": _list_pipelines,
    "POST /pipelines": _create_pipeline,
    "GET /pipelines/([^/]+)/versions": _list_versions,
    "POST /pipelines/upload_version": _upload_version,
    "GET /experiments": _list_experiments,
    "POST /experiments": _create_experiment,
    "POST /runs": _create_run,
    "GET /runs/([^/]+)": _get_run,
    "GET /runs": _list_runs,
    "GET /recurringruns": _list_recurring,
    "POST /recurringruns": _create_recurring,
    "POST /recurringruns/([^/:]+):(enable|disable)": _change_recurring,
    "DELETE /recurringruns/([^/]+)": _delete_recurring,
}


@contextmanager
def serving(kubeflow: Kubeflow, certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """Serve an installation on a free port, under TLS with a certificate and its key; gives the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"kubeflow": kubeflow}))
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
