"""Projects: items with annotations as data and pixels by reference."""

from components.core.project.item import ImageRef, Item, Object
from components.core.project.manifest import ManifestProject, manifest_writer, write_manifest
from components.core.project.meta import ClassInfo, ProjectMeta
from components.core.project.project import Project, open_project

__all__ = [
    "ClassInfo",
    "ImageRef",
    "Item",
    "ManifestProject",
    "Object",
    "Project",
    "ProjectMeta",
    "manifest_writer",
    "open_project",
    "write_manifest",
]
