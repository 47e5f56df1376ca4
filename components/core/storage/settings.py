"""Where the object store is and how to talk to it, and where copies are kept, from the environment."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from components.core.errors import StorageError

AWS_ENDPOINT = "s3.amazonaws.com"
MEBIBYTE = 1 << 20
TRUE_WORDS = ("1", "true", "yes", "on")
FALSE_WORDS = ("0", "false", "no", "off")

# S3 refuses a request whose signature is older than 15 minutes, and a request keeps its signature while it waits.
LONGEST_WAIT_S = 840.0

CACHE_FOLDER_VARIABLE = "STORAGE_CACHE_DIR"
CACHE_SIZE_VARIABLE = "STORAGE_CACHE_BYTES"
MOST_CACHE_BYTES = 20 << 30


@dataclass(frozen=True)
class S3Settings:
    """One S3-compatible object store; its repr shows no credential.

    Attributes:
        endpoint: Host and port.
        secure: Whether to talk TLS.
        region: The region that requests are signed for.
        path_style: Buckets in the path (`host/bucket/key`) or in the host name (`bucket.host/key`).
        ca_bundle: A PEM file of trusted authorities, or None for the usual ones.
        access_key: None for unsigned requests, which public buckets accept.
        secret_key: None together with `access_key`.
        session_token: Of temporary credentials, or None.
        wait_s: How long a store that has answered before is waited for.
        connect_wait_s: How long one that never answered this process is waited for.
        part_size_bytes: The size of a part of a multipart upload, at least 5 MiB.
    """

    endpoint: str
    secure: bool
    region: str
    path_style: bool
    ca_bundle: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    wait_s: float = 300.0
    connect_wait_s: float = 15.0
    part_size_bytes: int = 16 * MEBIBYTE

    @property
    def endpoint_url(self) -> str:
        """Such as "http://127.0.0.1:8333"."""
        return f"{'https' if self.secure else 'http'}://{self.endpoint}"

    @property
    def is_default_endpoint(self) -> bool:
        """Whether nothing says where the store is, and Amazon's own stands in."""
        return self.endpoint == AWS_ENDPOINT

    def redacted(self, text: str) -> str:
        """The text without any credential of this store."""
        for secret in (self.secret_key, self.session_token, self.access_key):
            if secret:
                text = text.replace(secret, "***")
        return text

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> S3Settings:
        """Read the settings.

        Args:
            environ: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; AWS_REGION or
                AWS_DEFAULT_REGION (us-east-1); AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL (Amazon's own; http:// or
                https:// decides on TLS); AWS_CA_BUNDLE; AWS_S3_FORCE_PATH_STYLE (true with an endpoint of one's
                own); STORAGE_WAIT_SECONDS (300), STORAGE_CONNECT_WAIT_SECONDS (15), STORAGE_PART_SIZE_MIB (16).
                An empty variable counts as absent.

        Raises:
            StorageError: A variable has a value it cannot have, or half of the key pair is missing.
        """
        env = {name: value.strip() for name, value in environ.items() if value.strip()}
        access_key, secret_key = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
        if (access_key is None) != (secret_key is None):
            missing = "AWS_ACCESS_KEY_ID" if access_key is None else "AWS_SECRET_ACCESS_KEY"
            raise StorageError(f"environment: {missing} is not set but its counterpart is; set both, or neither")
        endpoint, secure = _endpoint(env)
        return cls(
            endpoint=endpoint,
            secure=secure,
            region=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1",
            path_style=_flag(env, "AWS_S3_FORCE_PATH_STYLE", default=not endpoint.endswith("amazonaws.com")),
            ca_bundle=_ca_bundle(env),
            access_key=access_key,
            secret_key=secret_key,
            session_token=env.get("AWS_SESSION_TOKEN"),
            wait_s=_number(env, "STORAGE_WAIT_SECONDS", 300, 0, LONGEST_WAIT_S),
            connect_wait_s=_number(env, "STORAGE_CONNECT_WAIT_SECONDS", 15, 0, LONGEST_WAIT_S),
            part_size_bytes=int(_number(env, "STORAGE_PART_SIZE_MIB", 16, 5, 5120)) * MEBIBYTE,
        )


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """The copies of objects that this machine keeps.

    Attributes:
        folder: Where they lie.
        most_bytes: Of all together; 0 for none.
    """

    folder: Path
    most_bytes: int

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> CacheSettings:
        """Read the settings.

        Args:
            environ: STORAGE_CACHE_DIR (a folder of this user's in the temporary one) and STORAGE_CACHE_BYTES
                (20 GiB). An empty variable counts as absent.

        Raises:
            StorageError: The size is not a number of bytes.
        """
        named = environ.get(CACHE_FOLDER_VARIABLE, "").strip()
        folder = Path(named) if named else Path(tempfile.gettempdir()) / f"footprints-cache-{os.getuid()}"
        text = environ.get(CACHE_SIZE_VARIABLE, "").strip() or str(MOST_CACHE_BYTES)
        if not text.isdecimal():
            rule = f"{CACHE_SIZE_VARIABLE}='{text}' must be a number of bytes; use 0 for no cache"
            raise StorageError(f"environment: {rule}")
        return cls(folder, int(text))


def _endpoint(env: Mapping[str, str]) -> tuple[str, bool]:
    name = "AWS_ENDPOINT_URL_S3" if "AWS_ENDPOINT_URL_S3" in env else "AWS_ENDPOINT_URL"
    if name not in env:
        return AWS_ENDPOINT, True
    parts = urlsplit(env[name])
    if "@" in parts.netloc:
        raise StorageError(f"environment: {name} holds a user or a password; give credentials as AWS_ACCESS_KEY_ID")
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/") or parts.query:
        raise StorageError(f"environment: {name}='{env[name]}' must be http://host:port or https://host:port, no path")
    return parts.netloc, parts.scheme == "https"


def _flag(env: Mapping[str, str], name: str, default: bool) -> bool:
    word = env.get(name, str(default)).lower()
    if word not in TRUE_WORDS + FALSE_WORDS:
        raise StorageError(f"environment: {name}='{env[name]}' must be true or false")
    return word in TRUE_WORDS


def _number(env: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    text = env.get(name, str(default))
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise StorageError(f"environment: {name}='{text}' must be a number from {least:g} to {most:g}")
    return number


def _ca_bundle(env: Mapping[str, str]) -> str | None:
    bundle = env.get("AWS_CA_BUNDLE")
    if bundle is not None and not Path(bundle).is_file():
        raise StorageError(f"environment: AWS_CA_BUNDLE='{bundle}' is not a file; give a PEM file that can be read")
    return bundle
