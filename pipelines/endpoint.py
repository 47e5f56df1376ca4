"""Where Kubeflow Pipelines is, who asks, and what its refusals mean."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as HttpTimeoutError

from components.core.errors import ConfigError, FootprintsError

TRANSIENT_STATUSES = frozenset({429, 500, 502, 503, 504})
LONGEST_MESSAGE = 300
SHORTEST_SECRET = 8

GIVE_IDENTITY = "give KFP_TOKEN, KFP_TOKEN_FILE or KFP_COOKIES"
CHECK_ADDRESS = "check KFP_ENDPOINT: http or https, host, port, and the path under which Kubeflow Pipelines is served"


class EndpointError(FootprintsError):
    """Kubeflow Pipelines cannot be reached or refuses.

    Attributes:
        status: HTTP status of its answer; 0 where there was none.
        transient: Whether the same request may succeed a little later.
    """

    def __init__(self, message: str, status: int = 0, transient: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.transient = transient


@dataclass(frozen=True)
class Endpoint:
    """One installation of Kubeflow Pipelines; its repr shows no credential.

    Attributes:
        url: Of the API, without a slash at the end.
        namespace: Of the user, in installations for several; else empty.
        ui_url: Where links lead.
        token: Sent as bearer token, or empty.
        token_file: Read again for every request, because mounted tokens are rotated; or None.
        cookies: The value of the Cookie header, or empty.
        ca_bundle: A PEM file of trusted authorities, or None for the usual ones.
        verify_tls: False to accept any certificate.
        connect_timeout_s: For a connection to come about.
        read_timeout_s: For an answer to a request.
    """

    url: str
    namespace: str = ""
    ui_url: str = ""
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    cookies: str = field(default="", repr=False)
    ca_bundle: Path | None = None
    verify_tls: bool = True
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 20.0

    @classmethod
    def from_environment(cls, flags: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> Endpoint:
        """Read the settings; a flag goes before its variable.

        Args:
            flags: "endpoint", "namespace", "ui_url", "token_file", "ca_bundle", "insecure"; empty where not given.
            environ: KFP_ENDPOINT, KFP_NAMESPACE, KFP_UI_URL, KFP_TOKEN, KFP_TOKEN_FILE, KFP_COOKIES,
                KFP_CA_BUNDLE, KFP_INSECURE.

        Raises:
            ConfigError: A setting is missing or has a value that it cannot have.
        """

        def setting(name: str) -> str:
            return (flags.get(name) or environ.get(f"KFP_{name.upper()}", "")).strip()

        token, token_file = environ.get("KFP_TOKEN", "").strip(), setting("token_file")
        if token and token_file and not flags.get("token_file"):
            raise ConfigError("environment: both KFP_TOKEN and KFP_TOKEN_FILE are set; set one")
        url = _url("KFP_ENDPOINT", setting("endpoint"))
        return cls(
            url=url,
            namespace=setting("namespace"),
            ui_url=_url("KFP_UI_URL", setting("ui_url") or url),
            token="" if token_file else _header("KFP_TOKEN", token),
            token_file=_file("KFP_TOKEN_FILE", token_file),
            cookies=_header("KFP_COOKIES", environ.get("KFP_COOKIES", "").strip()),
            ca_bundle=_file("KFP_CA_BUNDLE", setting("ca_bundle")),
            verify_tls=not _flag("KFP_INSECURE", setting("insecure")),
        )

    def bearer_token(self) -> str:
        """The token to send now, or an empty string.

        Raises:
            ConfigError: The token file cannot be read or holds no token.
        """
        if self.token_file is None:
            return self.token
        try:
            token = self.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self.token_file}: the token cannot be read; give a file that can") from error
        if not token:
            raise ConfigError(f"{self.token_file}: is empty; write the token into it")
        return _header(str(self.token_file), token)

    def redacted(self, text: str) -> str:
        """The text without the token and the cookies."""
        pairs = [pair.strip() for pair in self.cookies.split(";")]
        values = [value for pair in pairs if len(value := pair.partition("=")[2]) >= SHORTEST_SECRET]
        secrets = {self.token, self.bearer_token(), self.cookies, *values} - {""}
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


def _url(name: str, text: str) -> str:
    if not text:
        raise ConfigError(f"{name}: is not set; give the address of Kubeflow Pipelines, such as http://localhost:8080")
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise ConfigError(f"{name}: is not an address; give one such as https://host/pipeline") from None
    if "@" in parts.netloc:
        raise ConfigError(f"{name}: holds a user or a password; give credentials as KFP_TOKEN or KFP_COOKIES")
    if not valid or parts.query or parts.fragment or any(not "!" <= letter <= "~" for letter in text):
        raise ConfigError(
            f"{name}: {text!r} must be http:// or https://, host, port and path alone, such as https://host/pipeline"
        )
    return text.rstrip("/")


def _header(name: str, value: str) -> str:
    """What may stand in a header; the message shows no part of it."""
    if not all(" " <= letter <= "~" for letter in value):
        raise ConfigError(f"{name}: holds a line break or a letter outside ASCII; give it on one line, without quotes")
    return value


def _file(name: str, text: str) -> Path | None:
    if not text:
        return None
    if not Path(text).is_file():
        raise ConfigError(f"{name}: {text!r} is not a file; give one that can be read")
    return Path(text)


def _flag(name: str, text: str) -> bool:
    if text.lower() not in ("", "0", "false", "no", "1", "true", "yes"):
        raise ConfigError(f"{name}: {text!r} must be true or false")
    return text.lower() in ("1", "true", "yes")


@dataclass(eq=False)
class RefusalError(Exception):
    """Why a request came to nothing.

    Attributes:
        rule: What is wrong.
        fix: What to do.
        status: HTTP status; 0 where nothing was answered.
        transient: Whether it may pass by itself.
    """

    rule: str
    fix: str
    status: int = 0
    transient: bool = False

    def explained(self, endpoint: Endpoint, action: str) -> EndpointError:
        """The error to show: the endpoint, what was tried, the rule and the fix, and no credential."""
        text = f"{endpoint.url}: cannot {action}: {self.rule}; {self.fix}"
        return EndpointError(endpoint.redacted(text), self.status, self.transient)


def refusal_of_answer(response: urllib3.BaseHTTPResponse, endpoint: Endpoint) -> RefusalError | None:
    """What is wrong with an answer, or None if it is the expected JSON object."""
    status, detail = response.status, _message(response.data)
    if 200 <= status < 300:
        if response.data.lstrip()[:1] == b"{":
            return None
        rule = "the server at this address is not the API of Kubeflow Pipelines, but possibly a web page or a login"
        return RefusalError(rule, f"{CHECK_ADDRESS}; behind a login, {GIVE_IDENTITY}", status)
    if 300 <= status < 400:
        target = urlsplit(response.headers.get("location", ""))
        place = f"{target.netloc}{target.path}" or "somewhere else"
        return RefusalError(
            f"it redirects to {place} ({status}), as a login does", f"{GIVE_IDENTITY}, or {CHECK_ADDRESS}", status
        )
    if status == 401:
        given = bool(endpoint.token or endpoint.token_file or endpoint.cookies)
        rule = "the token or the cookies are refused, or have expired" if given else "it asks for credentials"
        return RefusalError(f"{rule} (401{detail})", f"{GIVE_IDENTITY}{' that are valid' if given else ''}", status)
    if status == 403:
        fix = "ask for the right to do this in the namespace, or correct KFP_NAMESPACE or the token"
        return RefusalError(f"this identity may not do it (403{detail})", fix, status)
    if status == 404:
        return RefusalError(f"not found (404{detail})", CHECK_ADDRESS, status)
    if status in TRANSIENT_STATUSES:
        fix = "try again, or read the log of its API server (deployment ml-pipeline)"
        return RefusalError(f"the server returned an error ({status}{detail})", fix, status, transient=True)
    return RefusalError(f"the server refuses the request ({status}{detail})", "correct what it names", status)


def refusal_of_connection(error: HTTPError, endpoint: Endpoint) -> RefusalError:
    """Why no answer came."""
    if isinstance(error, NameResolutionError):
        return RefusalError("the host name is not known", "correct KFP_ENDPOINT, or DNS")
    if isinstance(error, SSLError):
        fix = "check http or https in KFP_ENDPOINT, and give KFP_CA_BUNDLE for a certificate authority of your own"
        return RefusalError(f"the TLS handshake failed ({error})", fix)
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        fix = f"{CHECK_ADDRESS}, that it runs, and that a port-forward is open"
        return RefusalError(f"it cannot be reached ({type(error).__name__})", fix, transient=True)
    if isinstance(error, HttpTimeoutError):
        return RefusalError(f"no answer came within {endpoint.read_timeout_s:g} s", CHECK_ADDRESS, transient=True)
    return RefusalError(f"the connection broke ({type(error).__name__})", CHECK_ADDRESS, transient=True)


def _message(body: bytes) -> str:
    """What the server says, as ": text", shortened; nothing for a page."""
    text = body.decode(errors="replace").strip()
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict):
        keys = ("message", "error_message", "error_details", "error")
        text = next((str(document[key]) for key in keys if document.get(key)), "")
    if not text or text.startswith("<"):
        return ""
    text = " ".join(text.split())
    return ": " + (text if len(text) <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE] + "…")
