"""Curves of a training that runs: event files as TensorBoard reads them, and requests as MLflow takes them."""

from __future__ import annotations

import json
import logging
import math
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tensorboardX.crc32c import crc32c
from tensorboardX.proto.event_pb2 import Event

from components.core import storage
from components.core.errors import StorageError
from components.train_unet import mlflow_run
from components.train_unet.history import Row
from components.train_unet.mlflow_run import MlflowRun
from components.train_unet.tracking import TensorBoardTracker
from components.train_unet.train_unet import train
from tests.components.train_unet.projects import TINY
from tests.s3_server import S3Server

ROWS = [
    Row(3, 0.5, "train", 0.75, 0.5, 0.25, 0.125, lr=0.5),
    Row(3, 0.5, "val", 0.5, 0.625, 0.375, 0.25, lr=0.5),
]


def points_of(file: Path) -> dict[tuple[str, int], float]:
    """The scalars of an event file, by tag and step; see tensorflow.org's TFRecord for the format."""
    content, points, position = file.read_bytes(), {}, 0
    while position < len(content):
        (length,) = struct.unpack_from("<Q", content, position)
        data = content[position + 12 : position + 12 + length]
        (check,) = struct.unpack_from("<I", content, position + 12 + length)
        plain = crc32c(data)
        assert check == (((plain >> 15) | (plain << 17)) + 0xA282EAD8) & 0xFFFFFFFF
        position += 16 + length
        event = Event.FromString(data)
        for value in event.summary.value:
            assert (value.tag, event.step) not in points
            points[value.tag, event.step] = value.simple_value
    return points


class Mlflow(ThreadingHTTPServer):
    """Takes requests as MLflow's server does, keeps them, and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.status = 200
        self.on_request: Callable[[], None] = lambda: None
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def metrics(self) -> dict[tuple[str, int], float]:
        bodies = [body for _, _, body in self.requests]
        return {(entry["key"], entry["step"]): entry["value"] for body in bodies for entry in body.get("metrics", [])}


class _Answers(BaseHTTPRequestHandler):
    server: Mlflow

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.on_request()
        self.server.requests.append((self.path, dict(self.headers.items()), body))
        answer = b"{}" if self.server.status == 200 else b'{"error_code": "RESOURCE_DOES_NOT_EXIST"}'
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Mlflow]:
    with Mlflow() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mlflow]:
    with serving() as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        monkeypatch.setenv("MLFLOW_RUN_ID", "abc")
        yield server


def test_a_training_shows_its_history_in_both(project: Path, tmp_path: Path, mlflow: Mlflow) -> None:
    result = train(project, tmp_path / "model", config=TINY, events_dir=tmp_path / "events")

    (folder,) = (tmp_path / "events").iterdir()
    (file,) = folder.iterdir()
    names = ("loss", "accuracy", "dice", "iou")
    expected = {(f"{name}/{row['phase']}", row["step"]): row[name] for row in result.history for name in names}
    expected |= {("lr", row["step"]): row["lr"] for row in result.history if row["phase"] == "train"}
    assert {row["phase"] for row in result.history} == {"train", "val"}
    assert points_of(file) == pytest.approx(expected, rel=1e-6)
    flat = {(f"{row['phase']}_{name}", row["step"]): row[name] for row in result.history for name in names}
    assert {key: value for key, value in mlflow.metrics.items() if key[0] != "lr"} == flat
    params = {entry["key"]: entry["value"] for _, _, body in mlflow.requests for entry in body.get("params", [])}
    assert (params["epochs"], params["batch_size.train"], params["encoder"]) == ("2", "4", "vgg16_bn_slim8")
    assert {(path, body["run_id"]) for path, _, body in mlflow.requests} == {("/api/2.0/mlflow/runs/log-batch", "abc")}


@pytest.mark.parametrize("status", [404, None])
def test_a_server_that_does_not_take_them_stops_no_training(
    project: Path, tmp_path: Path, mlflow: Mlflow, status: int | None, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(mlflow_run, "RETRIES", False)
    if status is None:
        with serving() as gone:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", gone.url)
    else:
        mlflow.status = status
    caplog.set_level(logging.WARNING)

    train(project, tmp_path / "model", config=TINY, events_dir=tmp_path / "events")

    assert (tmp_path / "model" / "model.safetensors").exists()
    (warning,) = [record.message for record in caplog.records if "curves" in record.message]
    assert ("answered 404" if status else "cannot be reached") in warning
    assert points_of(next((tmp_path / "events").rglob("events.*")))


def test_a_checkpoint_is_written_before_curves_are_sent(project: Path, tmp_path: Path, mlflow: Mlflow) -> None:
    """A server may take its time, and a pod that is lost meanwhile goes on from here."""
    work, there = tmp_path / "work", []
    mlflow.on_request = lambda: there.append(len(list(work.rglob("*.ckpt"))))
    train(project, tmp_path / "model", config=TINY, work_dir=work)
    assert there and min(there) >= 1


def test_event_files_grow_and_take_the_place_of_earlier_ones(tmp_path: Path, s3_environment: S3Server) -> None:
    for place in (str(tmp_path / "local"), f"{s3_environment.new_folder()}/events"):
        storage.write_bytes(storage.join_uri(place, "events.out.tfevents.1.before"), b"old")
        storage.write_bytes(storage.join_uri(place, "notes.txt"), b"somebody's")
        scratch = tmp_path / f"scratch-{storage.name_of(place)}"
        scratch.mkdir()
        tracker = TensorBoardTracker(place, scratch)
        tracker.log_rows(ROWS[:1])
        tracker.log_rows(ROWS[1:])
        tracker.close()

        names = sorted(storage.name_of(found.uri) for found in storage.list_objects(place))
        assert len(names) == 2 and names[1] == "notes.txt"
        storage.get_file(storage.join_uri(place, names[0]), tmp_path / "read")
        points = points_of(tmp_path / "read")
        assert (points["iou/train", 3], points["iou/val", 3], points["lr", 3]) == (0.125, 0.25, 0.5)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"MLFLOW_RUN_ID": "a"},
        {"MLFLOW_TRACKING_URI": "http://x"},
        {"MLFLOW_RUN_ID": "a", "MLFLOW_TRACKING_URI": "f"},
    ],
)
def test_without_a_run_and_a_server_there_is_none(environment: dict[str, str]) -> None:
    assert MlflowRun.of_environment(environment) is None


def test_who_asks_follows_from_mlflows_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def headers(**variables: str) -> dict[str, str]:
        named = {f"MLFLOW_{key}": value for key, value in variables.items()}
        run = MlflowRun.of_environment({"MLFLOW_RUN_ID": "a", "MLFLOW_TRACKING_URI": "https://x/"} | named)
        assert run is not None and run.server == "https://x"
        assert "secret" not in repr(run)
        return dict(run.headers)

    assert headers() == {}
    assert headers(TRACKING_TOKEN="secret", WORKSPACE="team") == {
        "Authorization": "Bearer secret",
        "X-MLflow-Workspace": "team",
    }
    assert headers(TRACKING_USERNAME="me", TRACKING_PASSWORD="secret") == {"authorization": "Basic bWU6c2VjcmV0"}
    monkeypatch.setattr(mlflow_run, "SERVICE_ACCOUNT_TOKEN", tmp_path / "token")
    with pytest.raises(StorageError, match="MLFLOW_TRACKING_AUTH asks for the pod's token"):
        headers(TRACKING_AUTH="kubernetes")
    (tmp_path / "token").write_text("secret\n")
    assert headers(TRACKING_AUTH="kubernetes-namespaced") == {"Authorization": "Bearer secret"}


def test_what_is_no_number_is_sent_as_mlflow_names_it(mlflow: Mlflow) -> None:
    run = MlflowRun.of_environment()
    assert run is not None
    run.log_rows([Row(1, 1.0, "val", math.nan, math.inf, -math.inf, 0.5, lr=0.1)])
    assert mlflow.metrics == {
        ("val_loss", 1): "NaN", ("val_accuracy", 1): "Infinity", ("val_dice", 1): "-Infinity", ("val_iou", 1): 0.5,
    }  # fmt: skip


def test_long_histories_are_sent_in_parts(mlflow: Mlflow) -> None:
    run = MlflowRun.of_environment()
    assert run is not None
    run.log_rows([Row(step, 1.0, "val", 0.5, 0.5, 0.5, 0.5, lr=0.1) for step in range(600)])
    assert [len(body["metrics"]) for _, _, body in mlflow.requests] == [1000, 1000, 400]
