"""What is wrong with the endpoint, the identity or the certificate is said at once, and never with a credential."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.core.errors import ConfigError
from pipelines.connection import Connection
from pipelines.endpoint import Endpoint, EndpointError
from tests.pipelines.conftest import Cli
from tests.pipelines.kubeflow_server import Fault, Kubeflow, serving
from tests.ports import refusing_port
from tests.s3_server import write_certificate
from tests.waiting import HANGS_S

SECRET = "secret-token-of-a-user"
ROOT = ("--param", "data_root=s3://bucket/data")


@pytest.fixture(autouse=True)
def _at_once(patience: list[float]) -> Iterator[None]:
    """Nothing waits, but where a test says that it does."""
    yield
    assert patience == []


def fails(cli: Cli, capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    """Run a command that must fail with one line; gives the line."""
    capsys.readouterr()
    assert cli(*(flags or ("runs",))) == 2
    out, err = capsys.readouterr()
    assert not out
    assert SECRET not in err
    (line,) = (line for line in err.splitlines() if line.startswith("python -m pipelines: "))
    assert "Traceback" not in err
    return line


def test_token_from_the_environment_or_a_file(
    kubeflow: Kubeflow, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeflow.token = SECRET
    monkeypatch.setenv("KFP_TOKEN", SECRET)
    assert cli("runs") == 0
    monkeypatch.delenv("KFP_TOKEN")
    (tmp_path / "token").write_text(f"{SECRET}\n")
    assert cli("runs", "--token-file", str(tmp_path / "token")) == 0


def test_token_file_is_read_anew(kubeflow: Kubeflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubeflow.token = "first"
    token = tmp_path / "token"
    token.write_text("first")
    connection = Connection(Endpoint.from_environment({"token_file": str(token)}))
    kubeflow.token = "second"
    token.write_text("second")
    assert list(connection.every("list", connection.client.list_runs, "runs")) == []


@pytest.mark.parametrize("command", [("runs",), ("submit", *ROOT), ("schedule", *ROOT, "--cron", "0 0 3 * * *")])
def test_wrong_token(
    kubeflow: Kubeflow,
    cli: Cli,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
) -> None:
    kubeflow.token = "the-right-one"
    monkeypatch.setenv("KFP_TOKEN", SECRET)
    line = fails(cli, capsys, *command)
    assert re.search(r"http://127\.0\.0\.1:\d+: cannot connect: the token or the cookies are refused", line)
    assert "give KFP_TOKEN, KFP_TOKEN_FILE or KFP_COOKIES that are valid" in line
    # The server quotes what it got.
    assert "Bearer ***" in line


def test_no_token(kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    kubeflow.token = "the-right-one"
    assert "it asks for credentials (401" in fails(cli, capsys)


def test_cookies(
    kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeflow.cookie = "authservice_session=abc; other=1"
    monkeypatch.setenv("KFP_COOKIES", kubeflow.cookie)
    assert cli("runs") == 0
    monkeypatch.setenv("KFP_COOKIES", f"authservice_session={SECRET}")
    assert "refused" in fails(cli, capsys)


def test_login_page(kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    headers = {"location": f"https://login.example/auth?state={SECRET}"}
    kubeflow.faults = [
        Fault("GET /healthz", 302, headers=headers),
        Fault("GET /healthz", 200, body="<html>login</html>"),
    ]
    assert "it redirects to login.example/auth (302), as a login does; give KFP_TOKEN" in fails(cli, capsys)
    assert "a web page or a login; check KFP_ENDPOINT" in fails(cli, capsys)


def test_wrong_path(
    kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeflow.faults = [Fault("GET /healthz", 404, body="<html>nothing here</html>")]
    line = fails(cli, capsys)
    assert "not found (404); check KFP_ENDPOINT" in line


def test_several_users(
    kubeflow: Kubeflow, cli: Cli, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeflow.namespaces = {"anna"}
    kubeflow.add_experiment("Default", "anna")
    assert "is a multi-user installation; give --namespace or KFP_NAMESPACE" in fails(cli, capsys)
    line = fails(cli, capsys, "runs", "--namespace", "kubeflow")
    assert "this identity may not do it (403: User is not authorized to do this in namespace kubeflow)" in line
    monkeypatch.setenv("KFP_NAMESPACE", "anna")
    assert cli("submit", *ROOT) == cli("submit", *ROOT) == cli("schedule", *ROOT, "--cron", "0 0 3 * * *") == 0
    (pipeline,) = kubeflow.pipelines.values()
    assert pipeline.namespace == "anna"


def test_namespace_in_an_installation_for_one_user(kubeflow: Kubeflow, cli: Cli) -> None:
    assert cli("submit", *ROOT, "--namespace", "anna") == 0
    assert cli("runs", "--namespace", "anna") == 0


def test_unreachable(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    with refusing_port() as port:
        line = fails(cli, capsys, "runs", "--endpoint", f"http://127.0.0.1:{port}")
    assert f"http://127.0.0.1:{port}: cannot connect: it cannot be reached (NewConnectionError)" in line
    assert "check KFP_ENDPOINT" in line


def test_unknown_host(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    line = fails(cli, capsys, "runs", "--endpoint", "http://kubeflow.invalid")
    assert "http://kubeflow.invalid: cannot connect: the host name is not known" in line


def test_no_answer(kubeflow: Kubeflow) -> None:
    given_up = threading.Event()
    kubeflow.faults = [Fault("GET /healthz", until=given_up)]
    endpoint = Endpoint(Endpoint.from_environment({}).url, read_timeout_s=0.2)
    with pytest.raises(EndpointError, match=r"no answer came within 0\.2 s"):
        Connection(endpoint)
    given_up.set()


def test_reads_that_fail_in_passing_are_repeated(
    kubeflow: Kubeflow, cli: Cli, monkeypatch: pytest.MonkeyPatch, patience: list[float]
) -> None:
    monkeypatch.setattr("pipelines.connection.READ_PATIENCE_S", HANGS_S)
    kubeflow.faults = [Fault("GET /experiments", 500), Fault("GET /pipelines", 0), Fault("GET /recurringruns", 503)]
    assert cli("schedule", *ROOT, "--cron", "0 0 3 * * *") == 0
    assert patience == [HANGS_S] * 3
    patience.clear()


def test_server_that_keeps_failing(
    kubeflow: Kubeflow,
    cli: Cli,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    patience: list[float],
) -> None:
    monkeypatch.setattr("pipelines.connection.READ_PATIENCE_S", 0.2)
    kubeflow.faults = [Fault("GET /runs", 500, times=1000, body='{"message": "database is away"}')]
    assert "cannot list runs: the server returned an error (500: database is away)" in fails(cli, capsys)
    assert set(patience) == {0.2}
    patience.clear()


def test_starting_is_never_repeated(kubeflow: Kubeflow, cli: Cli) -> None:
    kubeflow.faults = [Fault("POST /runs", 503)]
    assert cli("submit", *ROOT) == 2
    assert kubeflow.requests.count("POST /runs") == 1


def test_certificates(cli: Cli, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    write_certificate(certificate, key)
    write_certificate(other := tmp_path / "other.pem", tmp_path / "other-key.pem")
    with serving(Kubeflow(), (certificate, key)) as url:
        flags = ("runs", "--endpoint", url)
        assert cli(*flags, "--ca-bundle", str(certificate)) == 0
        assert cli(*flags, "--insecure") == 0
        capsys.readouterr()
        for ca_bundle in ((), ("--ca-bundle", str(other))):
            line = fails(cli, capsys, *flags, *ca_bundle)
            assert f"{url}: cannot connect: the TLS handshake failed" in line
            assert "give KFP_CA_BUNDLE" in line
        assert "TLS" not in fails(cli, capsys, "runs", "--endpoint", url.replace("https", "http"))
    with serving(Kubeflow()) as url:
        assert "check http or https" in fails(cli, capsys, "runs", "--endpoint", url.replace("http", "https"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "KFP_ENDPOINT: is not set"),
        ({"KFP_ENDPOINT": "localhost:8080"}, "must be http:// or https://"),
        ({"KFP_ENDPOINT": "http://host:port"}, "KFP_ENDPOINT: is not an address"),
        ({"KFP_ENDPOINT": f"http://user:{SECRET}@host"}, "holds a user or a password"),
        ({"KFP_ENDPOINT": "http://host/#/runs"}, "path alone"),
        ({"KFP_ENDPOINT": "http://host", "KFP_TOKEN": f"{SECRET}\nx"}, "KFP_TOKEN: holds a line break"),
        ({"KFP_ENDPOINT": "http://host", "KFP_TOKEN": "a", "KFP_TOKEN_FILE": "b"}, "both KFP_TOKEN and KFP_TOKEN_FILE"),
        ({"KFP_ENDPOINT": "http://host", "KFP_TOKEN_FILE": "absent"}, "KFP_TOKEN_FILE: 'absent' is not a file"),
        ({"KFP_ENDPOINT": "http://host", "KFP_CA_BUNDLE": "absent"}, "KFP_CA_BUNDLE: 'absent' is not a file"),
        ({"KFP_ENDPOINT": "http://host", "KFP_INSECURE": "perhaps"}, "KFP_INSECURE: 'perhaps' must be true or false"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        Endpoint.from_environment({}, settings)
    assert SECRET not in str(caught.value)


def test_settings() -> None:
    endpoint = Endpoint.from_environment(
        {"namespace": "anna"},
        {"KFP_ENDPOINT": "https://host/pipeline/", "KFP_NAMESPACE": "bert", "KFP_TOKEN": SECRET, "KFP_COOKIES": SECRET},
    )
    assert (endpoint.url, endpoint.ui_url, endpoint.namespace) == ("https://host/pipeline",) * 2 + ("anna",)
    assert endpoint.verify_tls
    assert SECRET not in repr(endpoint)
    assert endpoint.redacted(f"a {SECRET} b") == "a *** b"


def test_a_single_cookie_is_a_secret_too() -> None:
    endpoint = Endpoint("http://host", cookies=f"short=1; session={SECRET}; other=2")
    assert endpoint.redacted(f"1 {SECRET} 2") == "1 *** 2"


def test_empty_token_file(tmp_path: Path) -> None:
    (tmp_path / "token").touch()
    endpoint = Endpoint("http://host", token_file=tmp_path / "token")
    with pytest.raises(ConfigError, match="token: is empty"):
        endpoint.bearer_token()
