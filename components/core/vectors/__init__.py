"""Vector files of others, as polygons on a scene's pixels: any format, any CRS, read by extent."""

from components.core.vectors.features import Features, features_on
from components.core.vectors.files import VectorFile, is_vector
from components.core.vectors.layer import VectorLayer, open_layer

__all__ = ["Features", "VectorFile", "VectorLayer", "features_on", "is_vector", "open_layer"]
