"""The actions, one a file, and the table that makes them known."""

from components.core.dtl.action import Action
from components.core.dtl.actions.data import Data
from components.core.dtl.actions.flip import FlipImage
from components.core.dtl.actions.if_ import If
from components.core.dtl.actions.save import Save
from components.core.dtl.actions.sliding_window import SlidingWindow
from components.core.dtl.actions.split_masks import SplitMasks
from components.core.dtl.actions.tag import TagImage

ACTIONS: dict[str, type[Action]] = {
    action.name: action for action in (Data, If, TagImage, SlidingWindow, FlipImage, SplitMasks, Save)
}
"""Every action by its name in a query."""
