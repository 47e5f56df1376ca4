"""Networks that see windows at other scales, and those whose encoders take images of one size alone."""

from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch

from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.network import smp_names
from components.core.network.architectures import architecture_spec
from components.core.network.seen_sizes import check_scales, check_scales_by_name, scaled

SIZE = Size(224, 224)
SMALL = "tu-efficientformerv2_s0"
"""An encoder of one size, and of few weights."""


def test_sides_at_other_scales_are_multiples_and_those_at_1_stay() -> None:
    assert scaled(Size(48, 80), 1.0) == Size(48, 80)
    assert scaled(Size(48, 80), 0.25) == Size(32, 32)
    assert scaled(Size(512, 256), 0.75) == Size(384, 192)


def takes(model: torch.nn.Module, side: int) -> bool:
    try:
        return bool(model(torch.zeros(1, 3, side, side, device="meta")).shape[-1] == side)
    except Exception:  # whatever timm raises
        return False


@pytest.mark.parametrize(
    ("encoder", "side"),
    [
        ("tu-swin_tiny_patch4_window7_224", 224),
        ("tu-swinv2_tiny_window8_256", 256),
        ("tu-swinv2_cr_tiny_224", 224),
        ("tu-coat_tiny", 224),
        ("tu-coatnet_nano_cc_224", 224),
        ("tu-coatnext_nano_rw_224", 224),
        ("tu-efficientformer_l1", 224),
        (SMALL, 224),
        ("tu-gcvit_tiny", 224),
        ("tu-hiera_tiny_224", 224),
        ("tu-botnet26t_256", 256),
        ("tu-sebotnet33ts_256", 256),
        ("resnet18", 0),
        ("tu-convnext_atto", 0),
        ("tu-sam2_hiera_tiny", 0),
        ("tu-mvitv2_tiny", 0),
    ],
)
def test_what_is_known_to_take_one_size_takes_one(encoder: str, side: int) -> None:
    with torch.device("meta"):
        model = smp.Unet(encoder, encoder_weights=None, classes=2).eval()
    assert smp_names.takes_one_size("smp.Unet", encoder) == bool(side)
    sizes = [224, 256, 320, 448]
    assert [takes(model, size) for size in sizes] == [size == side or not side for size in sizes]


def test_scales_are_refused_by_name_and_by_trying_alike() -> None:
    network = architecture_spec("smp.Unet").build(2, SMALL).eval()
    for scales in ([1.0], [1.0, 1.05]):
        check_scales_by_name(scales, "smp.Unet", SMALL, SIZE)
        check_scales(scales, SIZE, network.why_no_window)
    head = (
        r"inference.config: mode.scales: \[1.0, 0.5\]: at 0.5 the network would see windows of 128×128 px in place of "
        r"224×224 px, and 'smp.Unet' with the encoder 'tu-efficientformerv2_s0' "
    )
    with pytest.raises(ConfigError, match=head + "takes no other size; use "):
        check_scales_by_name([1.0, 0.5], "smp.Unet", SMALL, SIZE)
    with pytest.raises(ConfigError, match=head + r"cannot take windows of 128×128 px of 3 bands \(.+\); use \[1.0\]"):
        check_scales([1.0, 0.5], SIZE, network.why_no_window)


def test_what_takes_any_size_is_not_tried() -> None:
    network = architecture_spec("UNetV2Small").build(2, "vgg16_bn_slim8")
    check_scales([0.25, 4], Size(8192, 8192), network.why_no_window)
    check_scales_by_name([0.25, 4], "UNetV2Small", "vgg16_bn_slim8", SIZE)
    check_scales([0.5, 1], Size(128, 128), architecture_spec("smp.Unet").build(2, "resnet18").why_no_window)
