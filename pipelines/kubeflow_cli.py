"""What the commands that talk to Kubeflow share: how to reach it, and what is to run there."""

from __future__ import annotations

import argparse
import atexit
import shutil
import tempfile
from pathlib import Path

from components.core.errors import ConfigError
from pipelines.connection import Connection
from pipelines.endpoint import Endpoint
from pipelines.package import PipelinePackage, read_package
from pipelines.site import compile_for_site


def add_endpoint_flags(parser: argparse.ArgumentParser) -> None:
    """Add flags that say where Kubeflow is and who asks."""
    parser.description = f"{parser.description} Credentials come from KFP_TOKEN, KFP_TOKEN_FILE or KFP_COOKIES."
    add = parser.add_argument_group("Kubeflow").add_argument
    add("--endpoint", default="", help="address of Kubeflow Pipelines; KFP_ENDPOINT unless given")
    add("--namespace", default="", help="namespace in a multi-user installation; KFP_NAMESPACE unless given")
    add(
        "--token-file", default="", help="file with a bearer token, read for every request; KFP_TOKEN_FILE unless given"
    )
    add("--ca-bundle", default="", help="PEM file of trusted certificate authorities; KFP_CA_BUNDLE unless given")
    add("--insecure", action="store_true", help="accept any certificate, as does KFP_INSECURE=true")
    add("--ui-url", default="", help="address of the web interface, for links; KFP_UI_URL or the endpoint unless given")


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """Add flags that say which pipeline runs, with what, and as whom."""
    add = parser.add_argument
    add("--pipeline", default="training", help="one of pipelines/compiled, or a compiled YAML file")
    add(
        "--node-pools",
        type=Path,
        metavar="PLACE",
        help="recompile the pipeline for this site first: a file of placements, or a folder of such files",
    )
    add("--pipeline-name", default="", help="name of the pipeline in Kubeflow; its own unless given")
    add(
        "--version-name",
        default="",
        help="name of the version; the package's version and a digest of the YAML unless given",
    )
    add("--params", type=Path, metavar="FILE", help="YAML or JSON file of parameters")
    add("--param", action="append", default=[], metavar="NAME=VALUE", help="one parameter; overrides --params")
    add("--experiment", default="Default", help="experiment of the run")
    add("--create-experiment", action="store_true", help="create the experiment if it is missing")
    add("--pipeline-root", default="", help="URI for artifacts; the installation's own unless given")
    add("--service-account", default="", help="service account of the pods; the installation's own unless given")


def package_of(options: argparse.Namespace) -> PipelinePackage:
    """The compiled pipeline that the flags of `add_run_flags` name.

    Raises:
        ConfigError: There is none, or it does not compile with the site's placements.
    """
    if options.node_pools is None:
        return read_package(options.pipeline)
    if options.pipeline.endswith((".yaml", ".yml")):
        raise ConfigError(
            f"--node-pools: --pipeline {options.pipeline} is compiled already; name a pipeline, or leave it out"
        )
    folder = Path(tempfile.mkdtemp(prefix="pipelines-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    compile_for_site(options.node_pools, folder)
    return read_package(str(folder / f"{options.pipeline}.yaml"))


def connect(options: argparse.Namespace) -> Connection:
    """A connection to where the flags of `add_endpoint_flags` and the environment lead."""
    flags = {name: getattr(options, name) for name in ("endpoint", "namespace", "token_file", "ca_bundle", "ui_url")}
    return Connection(Endpoint.from_environment(flags | {"insecure": "true" if options.insecure else ""}))
