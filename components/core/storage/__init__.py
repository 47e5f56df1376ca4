"""One URI form for every place: local paths and S3-compatible object storage behind one protocol.

The environment says where object storage is and who asks, and where copies are kept on local disk:
S3Settings.from_environment and CacheSettings.from_environment list the variables.
"""

from components.core.storage.atomic import local_errors, not_written, scratch_folder
from components.core.storage.dispatch import (
    delete,
    exists,
    get_file,
    is_folder,
    list_objects,
    put_file,
    read_bytes,
    read_range,
    replace_bytes,
    stat,
    store_for,
    write_bytes,
)
from components.core.storage.gdal import gdal_environment, gdal_path, gdal_with_retry
from components.core.storage.objects import Store, StoredObject
from components.core.storage.probing import check_file_writable, check_writable
from components.core.storage.settings import S3Settings
from components.core.storage.staged_file import is_whole_tiff, staged_file
from components.core.storage.traffic import CountedFile, Moved, Traffic, counted, counters
from components.core.storage.trees import get_tree, put_tree, remove_empty_folders
from components.core.storage.uris import (
    Uri,
    absolute_uri,
    is_remote,
    join_uri,
    name_of,
    parent_of,
    parse_uri,
    stem_of,
    suffix_of,
)

__all__ = [
    "CountedFile",
    "Moved",
    "S3Settings",
    "Store",
    "StoredObject",
    "Traffic",
    "Uri",
    "absolute_uri",
    "check_file_writable",
    "check_writable",
    "counted",
    "counters",
    "delete",
    "exists",
    "gdal_environment",
    "gdal_path",
    "gdal_with_retry",
    "get_file",
    "get_tree",
    "is_folder",
    "is_remote",
    "is_whole_tiff",
    "join_uri",
    "list_objects",
    "local_errors",
    "name_of",
    "not_written",
    "parent_of",
    "parse_uri",
    "put_file",
    "put_tree",
    "read_bytes",
    "read_range",
    "remove_empty_folders",
    "replace_bytes",
    "scratch_folder",
    "staged_file",
    "stat",
    "stem_of",
    "store_for",
    "suffix_of",
    "write_bytes",
]
