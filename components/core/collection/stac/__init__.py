"""A collection described by the SpatioTemporal Asset Catalog (STAC 1.1): scenes, models, and all of them together.

Every reference from one of the collection's files to another is relative, and no file says where it lies itself, so
that the whole tree can be moved or copied (a "self-contained catalog" in the words of STAC's best practices). Images
and models lie elsewhere and are named by their URIs.
"""

from components.core.collection.stac.collection import MAX_ITEM_LINKS, Extent, collection_json
from components.core.collection.stac.item import scene_item
from components.core.collection.stac.model import PREDECESSOR, SUCCESSOR, classes_of_model, linked, model_item
from components.core.collection.stac.parts import (
    COLLECTION_FILE,
    COLLECTION_ID,
    MaskClass,
    document_bytes,
    item_place,
    model_place,
)
from components.core.collection.stac.periods import Period

__all__ = [
    "COLLECTION_FILE",
    "COLLECTION_ID",
    "MAX_ITEM_LINKS",
    "PREDECESSOR",
    "SUCCESSOR",
    "Extent",
    "MaskClass",
    "Period",
    "classes_of_model",
    "collection_json",
    "document_bytes",
    "item_place",
    "linked",
    "model_item",
    "model_place",
    "scene_item",
]
