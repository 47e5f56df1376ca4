"""A connection to Kubeflow Pipelines: kfp's client, with bounded times and errors that say what to do."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import certifi
import kfp
import kfp_server_api
import urllib3
from urllib3.exceptions import HTTPError, InsecureRequestWarning

from components.core.backoff import Backoff
from components.core.errors import ConfigError
from pipelines.endpoint import Endpoint, RefusalError, refusal_of_answer, refusal_of_connection

READ_PATIENCE_S = 5.0
PAGE_SIZE = 100


class BoundedPool(urllib3.PoolManager):
    """HTTP connections that never hang, follow no redirect, and repeat reads that fail in passing."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(
            cert_reqs="CERT_REQUIRED" if endpoint.verify_tls else "CERT_NONE",
            ca_certs=str(endpoint.ca_bundle) if endpoint.ca_bundle else certifi.where(),
            timeout=urllib3.Timeout(connect=endpoint.connect_timeout_s, read=endpoint.read_timeout_s),
        )
        self._endpoint = endpoint
        self._answered = False

    def urlopen(self, method: str, url: str, redirect: bool = True, **request: Any) -> urllib3.BaseHTTPResponse:  # type: ignore[override]
        """Send a request.

        Raises:
            RefusalError: It came to nothing.
        """
        request |= {"timeout": self.connection_pool_kw["timeout"], "retries": False}
        backoff = Backoff(READ_PATIENCE_S)
        while True:
            answer = self._once(method, url, request)
            if not isinstance(answer, RefusalError):
                self._answered = True
                return answer
            again = method == "GET" and answer.transient and self._answered
            if not (again and backoff.wait(self._endpoint.url, answer.rule)):
                raise answer

    def _once(self, method: str, url: str, request: dict[str, Any]) -> urllib3.BaseHTTPResponse | RefusalError:
        try:
            response = super().urlopen(method, url, redirect=False, **request)
        except HTTPError as error:
            return refusal_of_connection(error, self._endpoint)
        return refusal_of_answer(response, self._endpoint) or response


class Client(kfp.Client):  # type: ignore[misc]
    """kfp's client, set up by the endpoint alone: no files in the home directory, no logins, no waiting."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._health: Any = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            super().__init__(host=endpoint.url, namespace=endpoint.namespace, cookies=endpoint.cookies or None)

    def _load_config(self, *_: Any) -> Any:
        config = kfp_server_api.Configuration()
        config.host = self._endpoint.url
        if self._endpoint.token or self._endpoint.token_file:
            config.api_key = {"authorization": ""}
            config.api_key_prefix = {"authorization": "Bearer"}
            config.refresh_api_key_hook = self._refresh
        return config

    def _refresh(self, config: Any) -> None:
        config.api_key["authorization"] = self._endpoint.bearer_token()

    def _load_context_setting_or_default(self) -> None:
        self._context_setting = {"namespace": self._endpoint.namespace}

    def set_user_namespace(self, namespace: str) -> None:
        """Keep the namespace that kfp finds in a pod for this process alone."""
        self._context_setting["namespace"] = namespace.strip()

    def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
        """Ask the first time, and from then on use bounded connections for everything."""
        if self._health is None:
            self._healthz_api.api_client.rest_client.pool_manager = BoundedPool(self._endpoint)
            self._health = self._healthz_api.healthz_service_get_healthz()
        return self._health


class Connection:
    """An installation of Kubeflow Pipelines that has answered.

    Attributes:
        endpoint: Where it is.
        client: kfp's client; call it through `call`, so that errors are explained.
        namespace: To list in; empty in an installation for one user.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        """Connect.

        Raises:
            EndpointError: It cannot be reached or refuses.
            ConfigError: It is for several users, and no namespace is known.
        """
        self.endpoint = endpoint
        self.client = self.call("connect", Client, endpoint=endpoint)
        health = self.call("connect", self.client.get_kfp_healthz)
        if not health.multi_user:
            # The API of an installation for one user refuses requests that name a namespace.
            self.client.set_user_namespace("")
        self.namespace: str = self.client.get_user_namespace()
        if health.multi_user and not self.namespace:
            raise ConfigError(f"{endpoint.url}: is a multi-user installation; give --namespace or KFP_NAMESPACE")

    def call(self, action: str, function: Callable[..., Any], **arguments: Any) -> Any:
        """Call kfp's client.

        Args:
            action: What is being done, such as "start the run"; for the message.
            function: Of the client.
            **arguments: Of the function.

        Returns:
            What the function returns.

        Raises:
            EndpointError: It came to nothing.
        """
        try:
            # kfp prints links of its own; the command line prints one.
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore", InsecureRequestWarning)
                return function(**arguments)
        except RefusalError as refusal:
            raise refusal.explained(self.endpoint, action) from None

    def every(self, action: str, function: Callable[..., Any], items: str, **arguments: Any) -> Iterator[Any]:
        """Go through all pages of a listing.

        Args:
            action: What is being done, for the message.
            function: Of the client; takes page_token and page_size.
            items: Name of the field that holds a page's entries.
            **arguments: Of the function.
        """
        token = ""
        while True:
            page = self.call(action, function, page_token=token, page_size=PAGE_SIZE, **arguments)
            yield from getattr(page, items) or ()
            token = page.next_page_token
            if not token:
                return

    def run_url(self, run_id: str) -> str:
        """The run's page."""
        return f"{self.endpoint.ui_url}/#/runs/details/{run_id}"

    def recurring_run_url(self, recurring_run_id: str) -> str:
        """The recurring run's page."""
        return f"{self.endpoint.ui_url}/#/recurringrun/details/{recurring_run_id}"


def equals(key: str, value: str) -> str:
    """A filter of a listing, as the API takes it."""
    predicate = kfp_server_api.V2beta1Predicate(operation="EQUALS", key=key, string_value=value)
    body = kfp_server_api.ApiClient().sanitize_for_serialization(kfp_server_api.V2beta1Filter(predicates=[predicate]))
    return json.dumps(body)
