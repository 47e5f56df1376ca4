"""The actions, one a file, and the table that makes them known."""

from components.core.dtl.action import Action
from components.core.dtl.actions.approx_vector import ApproxVector
from components.core.dtl.actions.background import Background
from components.core.dtl.actions.bbox import BoundingBox
from components.core.dtl.actions.bbox2poly import BoxToPolygon
from components.core.dtl.actions.bitmap2lines import BitmapToLines
from components.core.dtl.actions.blur import Blur
from components.core.dtl.actions.contrast_brightness import ContrastBrightness
from components.core.dtl.actions.crop import CropImage
from components.core.dtl.actions.data import Data
from components.core.dtl.actions.dataset import SetDataset
from components.core.dtl.actions.drop_noise import DropNoise
from components.core.dtl.actions.drop_obj_by_class import DropByClass
from components.core.dtl.actions.dummy import Dummy
from components.core.dtl.actions.duplicate_objects import DuplicateObjects
from components.core.dtl.actions.find_contours import FindContours
from components.core.dtl.actions.flip import FlipImage
from components.core.dtl.actions.generate_hints import GenerateHints
from components.core.dtl.actions.if_ import If
from components.core.dtl.actions.instances_crop import InstancesCrop
from components.core.dtl.actions.line2bitmap import LineToBitmap
from components.core.dtl.actions.multiply import Multiply
from components.core.dtl.actions.noise import AddNoise
from components.core.dtl.actions.objects_filter import ObjectsFilter
from components.core.dtl.actions.poly2bitmap import PolygonToBitmap
from components.core.dtl.actions.random_color import RandomColor
from components.core.dtl.actions.rasterize import Rasterize
from components.core.dtl.actions.rename import Rename
from components.core.dtl.actions.resize import ResizeImage
from components.core.dtl.actions.rotate import RotateImage
from components.core.dtl.actions.save import Save
from components.core.dtl.actions.save_images import SaveImages
from components.core.dtl.actions.save_masks import SaveMasks
from components.core.dtl.actions.skeletonize import Skeletonize
from components.core.dtl.actions.sliding_window import SlidingWindow
from components.core.dtl.actions.split_blocks import SplitBlocks
from components.core.dtl.actions.split_masks import SplitMasks
from components.core.dtl.actions.tag import TagImage

ACTIONS: dict[str, type[Action]] = {
    action.name: action
    for action in (
        Data,
        If,
        SplitBlocks,
        TagImage,
        SetDataset,
        Multiply,
        Dummy,
        SlidingWindow,
        FlipImage,
        SplitMasks,
        DropNoise,
        Skeletonize,
        ApproxVector,
        BoundingBox,
        BoxToPolygon,
        PolygonToBitmap,
        LineToBitmap,
        FindContours,
        BitmapToLines,
        Rasterize,
        ObjectsFilter,
        DropByClass,
        Rename,
        DuplicateObjects,
        Background,
        GenerateHints,
        CropImage,
        InstancesCrop,
        ResizeImage,
        RotateImage,
        Blur,
        AddNoise,
        ContrastBrightness,
        RandomColor,
        Save,
        SaveImages,
        SaveMasks,
    )
}
"""Every action by its name in a query."""
