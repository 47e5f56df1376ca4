"""Versions of pipelines in Kubeflow: the same content is uploaded once, and found again by its name."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import kfp_server_api

from components.core.errors import ConfigError
from pipelines.connection import Connection, equals
from pipelines.endpoint import EndpointError
from pipelines.package import PipelinePackage

log = logging.getLogger(__name__)

CONFLICT = 409
CONTENT_NOTE = re.compile(r"content sha256 ([0-9a-f]{64})")


@dataclass(frozen=True)
class UploadedVersion:
    """A pipeline version that Kubeflow holds."""

    pipeline_id: str
    version_id: str


def upload_version(
    connection: Connection, package: PipelinePackage, pipeline_name: str = "", version_name: str = ""
) -> UploadedVersion:
    """Have a compiled pipeline in Kubeflow: found if it is there, else uploaded.

    Args:
        connection: To Kubeflow.
        package: The compiled pipeline.
        pipeline_name: Of the pipeline in Kubeflow; the pipeline's own unless given.
        version_name: Of the version; made from the package's version and the content unless given.

    Returns:
        The version that holds exactly this content.

    Raises:
        ConfigError: Another content has this version's name.
        EndpointError: Kubeflow refuses.
    """
    name, version_name = pipeline_name or package.name, version_name or package.version_name
    pipeline_id = _find_pipeline(connection, name) or _create_pipeline(connection, name)
    version = _find_version(connection, pipeline_id, version_name)
    if version is None:
        try:
            uploaded = _upload(connection, package, pipeline_id, version_name)
        except EndpointError as error:
            version = _find_version(connection, pipeline_id, version_name) if _may_exist(error) else None
            if version is None:
                raise
        else:
            log.info("uploaded version '%s' of pipeline '%s'", version_name, name)
            return UploadedVersion(pipeline_id, uploaded.pipeline_version_id)
    if not holds(version, package):
        raise ConfigError(
            f"{connection.endpoint.url}: version '{version_name}' of pipeline '{name}' holds another content than "
            f"{package.file}; give another --version-name, or delete that version"
        )
    log.info("pipeline '%s' has version '%s' already", name, version_name)
    return UploadedVersion(pipeline_id, version.pipeline_version_id)


def holds(version: Any, package: PipelinePackage) -> bool:
    """Whether a version in Kubeflow has the content of a file: by the digest in its description, else by its spec."""
    noted = CONTENT_NOTE.search(version.description or "")
    return noted[1] == package.sha256 if noted else bool(version.pipeline_spec == package.spec)


def _named(entries: Iterable[Any], name: str) -> Any:
    return next((entry for entry in entries if name in (entry.display_name, entry.name)), None)


def _find_pipeline(connection: Connection, name: str) -> str | None:
    pipelines = connection.every(
        "list pipelines",
        connection.client.list_pipelines,
        "pipelines",
        namespace=connection.namespace,
        filter=equals("display_name", name),
    )
    found = _named(pipelines, name)
    return found.pipeline_id if found else None


def _create_pipeline(connection: Connection, name: str) -> str:
    # Kubeflow's own upload of a new pipeline would name its first version like the pipeline.
    pipeline = kfp_server_api.V2beta1Pipeline(display_name=name, namespace=connection.namespace or None)
    try:
        created = connection.call(
            f"create pipeline '{name}'",
            connection.client.pipelines.pipeline_service_create_pipeline,
            pipeline=pipeline,
        )
    except EndpointError as error:
        found = _find_pipeline(connection, name) if _may_exist(error) else None
        if found is None:
            raise
        return found
    log.info("created pipeline '%s'", name)
    pipeline_id: str = created.pipeline_id
    return pipeline_id


def _find_version(connection: Connection, pipeline_id: str, name: str) -> Any:
    versions = connection.every(
        "list pipeline versions",
        connection.client.list_pipeline_versions,
        "pipeline_versions",
        pipeline_id=pipeline_id,
        filter=equals("display_name", name),
    )
    return _named(versions, name)


def _upload(connection: Connection, package: PipelinePackage, pipeline_id: str, name: str) -> Any:
    return connection.call(
        f"upload version '{name}'",
        connection.client.upload_pipeline_version,
        pipeline_package_path=str(package.file),
        pipeline_version_name=name,
        pipeline_id=pipeline_id,
        description=f"content sha256 {package.sha256}",
    )


def _may_exist(error: EndpointError) -> bool:
    """Whether someone else was first, or the answer to a success was lost."""
    return error.status == CONFLICT or error.transient
