"""The network's shapes, size and cost, and that it normalises its input itself."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from components.core.errors import ConfigError, DataError
from components.core.geometry import Size
from components.core.network.encoders import ENCODERS, check_size
from components.core.network.unetv2 import UNetV2
from components.core.network.weights import load_encoder_state

SLIM = "vgg16_bn_slim8"

CONVOLUTIONS = {
    "vgg11": 9_220_480,
    "vgg11_bn": 9_225_984,
    "vgg13": 9_404_992,
    "vgg13_bn": 9_410_880,
    "vgg16": 14_714_688,
    "vgg16_bn": 14_723_136,
    "vgg19": 20_024_384,
    "vgg19_bn": 20_035_392,
}
"""Parameters of the networks of Simonyan & Zisserman (2015) without their classifiers."""


def on_meta(encoder: str = "vgg16_bn", classes: int = 2) -> UNetV2:
    """A network without memory, for counting."""
    with torch.device("meta"):
        return UNetV2(classes, encoder)


def test_costs_248_gmac_on_512_pixels() -> None:
    network = on_meta()
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 512, 512, dtype=torch.uint8, device="meta"))
    assert counter.get_total_flops() / 2 / 1e9 == pytest.approx(248, abs=0.5)


def test_has_no_parameter_that_is_not_used() -> None:
    network = UNetV2(2, SLIM)
    network(torch.zeros(1, 3, 32, 32)).square().sum().backward()
    assert [name for name, parameter in network.named_parameters() if parameter.grad is None] == []
    assert sum(parameter.numel() for parameter in on_meta().parameters()) == 32_680_706


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("classes", [2, 5])
def test_gives_one_channel_a_class_at_the_size_of_the_image(encoder: str, classes: int) -> None:
    logits = on_meta(encoder, classes)(torch.zeros(2, 3, 48, 80, dtype=torch.uint8, device="meta"))
    assert logits.shape == (2, classes, 48, 80)


def test_encoder_blocks_end_at_the_relus_of_the_reference() -> None:
    encoder = on_meta().encoder
    assert encoder.block_ends == (5, 12, 22, 32, 42)
    outputs = encoder(torch.zeros(1, 3, 64, 96, device="meta"))
    assert [tuple(output.shape[1:]) for output in outputs] == [
        (64, 64, 96), (128, 32, 48), (256, 16, 24), (512, 8, 12), (512, 4, 6),
    ]  # fmt: skip


@pytest.mark.parametrize("encoder", [name for name, spec in ENCODERS.items() if spec.torchvision])
def test_encoder_layers_are_named_and_shaped_as_in_torchvision(encoder: str) -> None:
    from torchvision.models import get_model

    with torch.device("meta"):
        theirs = get_model(encoder, weights=None).features.state_dict(prefix="features.")
    ours = on_meta(encoder).encoder
    assert {name: value.shape for name, value in ours.state_dict().items()} == {
        name: value.shape for name, value in theirs.items()
    }
    assert sum(value.numel() for value in ours.parameters()) == CONVOLUTIONS[encoder]


@pytest.mark.parametrize("encoder", ["vgg11", "vgg11_bn", "vgg13", "vgg13_bn"])
def test_an_encoder_filled_from_torchvisions_file_computes_what_torchvision_computes(encoder: str) -> None:
    from torchvision.models import get_model

    torch.manual_seed(0)
    theirs = get_model(encoder, weights=None).eval()
    ours = UNetV2(2, encoder).eval().encoder
    load_encoder_state(ours, theirs.state_dict(), f"{encoder}.pth")
    image = torch.rand(1, 3, 32, 48)
    with torch.inference_mode():
        assert torch.equal(ours(image)[-1], theirs.features[:-1](image))  # all but the last pooling


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_a_file_with_normalisation_is_refused_by_an_encoder_without_and_the_other_way_round(depth: int) -> None:
    plain, normalised = on_meta(f"vgg{depth}").encoder, on_meta(f"vgg{depth}_bn").encoder
    for encoder, other in ((plain, normalised), (normalised, plain)):
        with pytest.raises(DataError, match=r"weights: w\.pth (lacks|holds) features\."):
            load_encoder_state(encoder, other.state_dict(), "w.pth")


def encoder_input(image: torch.Tensor) -> torch.Tensor:
    """What a network makes of an image before its first layer."""
    network = UNetV2(2, SLIM).eval()
    seen: list[torch.Tensor] = []
    network.encoder.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    network(image)
    return seen[0]


def test_bytes_and_floats_of_the_same_image_are_the_same_to_the_encoder() -> None:
    image = torch.arange(3 * 32 * 32).remainder(256).to(torch.uint8).view(1, 3, 32, 32)
    assert torch.equal(encoder_input(image), encoder_input(image.float()))


def test_normalises_by_the_imagenet_mean_and_deviation() -> None:
    found = encoder_input(torch.full((1, 3, 16, 16), 51, dtype=torch.uint8))
    expected = [(0.2 - 0.485) / 0.229, (0.2 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]
    assert found[0, :, 3, 5].tolist() == pytest.approx(expected, abs=1e-5)


def test_deepest_features_see_beyond_their_neighbours() -> None:
    bottleneck = UNetV2(2, SLIM).eval().bottleneck
    for layer in (module for module in bottleneck.modules() if isinstance(module, nn.Conv2d)):
        nn.init.ones_(layer.weight)  # so that nothing is lost to a ReLU
    features = torch.zeros(1, 64, 11, 11)
    features[0, :, 5, 5] = 1
    found = bottleneck(features)
    seen = (found > 0.5).any(dim=1)[0].nonzero()
    assert (seen.min(0).values.tolist(), seen.max(0).values.tolist()) == ([1, 1], [9, 9])  # two dilations of 2 reach 4
    assert found.shape[1] == 128


@pytest.mark.parametrize(
    ("length", "offer"), [(500, "use 496 or 512"), (8, "use 16"), (0, "use 16"), (17, "use 16 or 32")]
)
def test_sizes_that_cannot_be_halved_four_times_are_refused(length: int, offer: str) -> None:
    with pytest.raises(
        ConfigError, match=f"train.config: input_size.height: {length} is not a multiple of 16; {offer}$"
    ):
        check_size(Size(length, 512), "train.config: input_size")
    with pytest.raises(ConfigError, match=r"image.width: 20"):
        on_meta()(torch.zeros(1, 3, 32, 20, device="meta"))


def test_unknown_encoder_and_a_single_class_are_refused() -> None:
    with pytest.raises(ConfigError, match="encoder: 'resnet' is not known; use one of vgg11_bn, "):
        UNetV2(2, "resnet")
    with pytest.raises(ConfigError, match="classes: 1 leaves nothing"):
        UNetV2(1)
