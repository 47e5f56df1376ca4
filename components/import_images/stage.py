"""The stage as Kubeflow and the command line call it: imagery is named by a folder or by a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.core.errors import ConfigError
from components.import_images.import_images import ImportReport, import_images
from components.import_images.planned import import_planned


def import_either(
    project_dir: Path | str,
    *,
    images_uri: str,
    plan: Path | str | None,
    shard: str,
    masks_uri: str,
    max_bad: int,
    **common: Any,
) -> ImportReport:
    """Import a folder, or what a plan gives to a shard.

    Args:
        project_dir: The project's directory.
        images_uri: As of `import_images`; empty where there is a plan.
        plan: As of `import_planned`; None where there is a folder.
        shard: As of `import_planned`.
        masks_uri: As of `import_images`.
        max_bad: As of `import_images`.
        common: What both take.

    Returns:
        What was done.

    Raises:
        ConfigError: If none or both of them are given.
    """
    if bool(images_uri) == (plan is not None):
        given = "both are" if images_uri else "neither is"
        raise ConfigError(f"images_uri, plan: {given} given; give a folder of images, or a plan and a shard")
    if plan is not None:
        return import_planned(plan, shard, project_dir, **common)
    return import_images(images_uri, masks_uri, project_dir, max_bad=max_bad, **common)
