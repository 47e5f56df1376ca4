"""The actions, one a file, and the table that makes them known."""

from components.core.dtl.action import Action
from components.core.dtl.actions.blur import Blur
from components.core.dtl.actions.contrast_brightness import ContrastBrightness
from components.core.dtl.actions.crop import CropImage
from components.core.dtl.actions.data import Data
from components.core.dtl.actions.flip import FlipImage
from components.core.dtl.actions.if_ import If
from components.core.dtl.actions.instances_crop import InstancesCrop
from components.core.dtl.actions.noise import AddNoise
from components.core.dtl.actions.random_color import RandomColor
from components.core.dtl.actions.resize import ResizeImage
from components.core.dtl.actions.rotate import RotateImage
from components.core.dtl.actions.save import Save
from components.core.dtl.actions.save_images import SaveImages
from components.core.dtl.actions.save_masks import SaveMasks
from components.core.dtl.actions.sliding_window import SlidingWindow
from components.core.dtl.actions.split_masks import SplitMasks
from components.core.dtl.actions.tag import TagImage

ACTIONS: dict[str, type[Action]] = {
    action.name: action
    for action in (
        Data,
        If,
        TagImage,
        SlidingWindow,
        FlipImage,
        CropImage,
        InstancesCrop,
        ResizeImage,
        RotateImage,
        Blur,
        AddNoise,
        ContrastBrightness,
        RandomColor,
        SplitMasks,
        Save,
        SaveImages,
        SaveMasks,
    )
}
"""Every action by its name in a query."""
