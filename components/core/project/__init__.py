"""Projects: items with annotations as data and pixels by reference."""

from components.core.project.item import ImageRef, Item, Object
from components.core.project.local_copies import with_local_copies
from components.core.project.manifest import ManifestProject, manifest_writer, write_manifest
from components.core.project.materialize import materialize
from components.core.project.meta import ClassInfo, ProjectMeta
from components.core.project.project import Project, open_project
from components.core.project.supervisely import SuperviselyProject

__all__ = [
    "ClassInfo",
    "ImageRef",
    "Item",
    "ManifestProject",
    "Object",
    "Project",
    "ProjectMeta",
    "SuperviselyProject",
    "manifest_writer",
    "materialize",
    "open_project",
    "with_local_copies",
    "write_manifest",
]
