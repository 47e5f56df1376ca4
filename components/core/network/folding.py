"""Batch normalisation folded into the convolutions before it: the same function in fewer passes over the features."""

from __future__ import annotations

import copy
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def folded(network: nn.Module) -> nn.Module:
    """A copy of a network in which normalisation that follows a convolution in a sequence is part of the convolution.

    With weights w and bias b, mean m, variance v, scale g and shift s of a channel, the convolution's weights become
    w · g / √(v + ε) and its bias (b - m) · g / √(v + ε) + s. Sums are rounded elsewhere then, so that results differ by
    rounding.

    Args:
        network: In evaluation mode; it stays as it is.

    Returns:
        The copy, for inference alone; places in sequences stay what they were. What runs in an order that its sequence
        does not tell, or counts no running statistics, is left as it is.
    """
    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
            _fold(module)
    return network


def _fold(sequence: nn.Sequential) -> None:
    for place, (layer, following) in enumerate(pairwise(list(sequence))):
        if type(layer) is nn.Conv2d and type(following) is nn.BatchNorm2d and following.running_var is not None:
            sequence[place] = fuse_conv_bn_eval(layer, following)
            sequence[place + 1] = nn.Identity()
